/**
 * A client that holds connections over whatever happens to the array: each asks again and again, and new ones are tried all the time. Run as a
 * process: `held_connections.ts VIP COUNT`; at SIGTERM it asks once more by each and prints a {@linkcode HeldReport}.
 */
import { delay } from "../../core/delay.ts";
import type { WebAnswer } from "../../core/lab/web_server.ts";

export interface HeldReport {
  /** Connections held, by the node that serves them. */
  readonly held: Readonly<Record<string, number>>;
  /** Of these lost: reset, closed, or without an answer. */
  readonly lost: Readonly<Record<string, number>>;
  /** New connections that were made meanwhile, and that were reset or refused. */
  readonly made: number;
  readonly refused: number;
}

const ASK_EVERY_MS = 100;
/** A request that no answer comes to for so long is lost: TCP sends it again 6 times until then, ms. */
const ANSWER_MS = 40_000;

class Held {
  node = "";
  isLost = false;

  private constructor(readonly connection: Deno.Conn) {}

  static async open(hostname: string): Promise<Held> {
    const held = new Held(await Deno.connect({ hostname, port: 80 }));
    await held.ask();
    return held;
  }

  async ask(): Promise<void> {
    if (this.isLost) return;
    const late = setTimeout(() => this.connection.close(), ANSWER_MS);
    try {
      await this.connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: test\r\n\r\n"));
      let text = "";
      while (!text.endsWith("}\n")) {
        const bytes = new Uint8Array(4096);
        const count = await this.connection.read(bytes);
        if (count === null) throw new Error("closed");
        text += new TextDecoder().decode(bytes.subarray(0, count));
      }
      this.node = (JSON.parse(text.slice(text.indexOf("{"))) as WebAnswer).web;
    } catch {
      this.isLost = true;
    } finally {
      clearTimeout(late);
    }
  }
}

function countBy(held: readonly Held[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { node } of held) counts[node] = (counts[node] ?? 0) + 1;
  return counts;
}

if (import.meta.main) {
  const vip = Deno.args[0]!;
  const held: Held[] = [];
  for (let i = 0; i < Number(Deno.args[1]); i++) held.push(await Held.open(vip));
  const stop = new AbortController();
  Deno.addSignalListener("SIGTERM", () => stop.abort());
  let made = 0, refused = 0;
  console.log("holding");
  const asking = held.map(async (one) => {
    while (!stop.signal.aborted && !one.isLost) {
      await one.ask();
      await delay(ASK_EVERY_MS, stop.signal);
    }
  });
  const trying = (async () => {
    while (!stop.signal.aborted) {
      try {
        (await Deno.connect({ hostname: vip, port: 80, signal: AbortSignal.timeout(ANSWER_MS) })).close();
        made++;
      } catch {
        refused++;
      }
      await delay(10, stop.signal);
    }
  })();
  await Promise.all([...asking, trying]);
  await Promise.all(held.map((one) => one.ask()));
  const report: HeldReport = { held: countBy(held), lost: countBy(held.filter(({ isLost }) => isLost)), made, refused };
  console.log(`report ${JSON.stringify(report)}`);
  Deno.exit(0);
}
