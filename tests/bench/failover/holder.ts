/**
 * Holds connections through the VIP, run in the client: opens one after another until it reads a line from its standard input, and on the next line asks
 * on each of them again. Prints a line of JSON for the first, "stopped", and one for the second: what became of each.
 */
import { delay } from "../../../core/delay.ts";

/** A connection that is held. */
export interface Held {
  /** Of the client. */
  readonly port: number;
  /** Address of the node that has it; undefined where it was established, and had not answered when it was to stop. */
  readonly node: string | undefined;
  readonly lives: boolean;
}

export interface HolderReport {
  readonly held: readonly Held[];
  /** Connections that the peer refused, and those that did not come about in time, up to the end. */
  readonly refused: number;
  readonly timedOut: number;
}

/** A retransmission comes after 0.2, 0.6, 1.4 and 3 s. */
const ANSWER_MS = 4_000;
const CONNECT_MS = 4_000;
/** Pause between two connections, ms. */
const PACE_MS = 5;

interface Connection {
  readonly socket: Deno.TcpConn;
  node: string | undefined;
  lives: boolean;
}

class Holder {
  #connections: Connection[] = [];
  #refused = 0;
  #timedOut = 0;
  #opening = new Set<Promise<void>>();
  #stopped = false;

  constructor(readonly hostname: string, readonly port: number) {}

  async open(): Promise<void> {
    while (!this.#stopped) {
      const opening = this.#openOne().finally(() => this.#opening.delete(opening));
      this.#opening.add(opening);
      await delay(PACE_MS);
    }
  }

  async #openOne(): Promise<void> {
    let socket: Deno.TcpConn;
    try {
      socket = await Deno.connect({
        hostname: this.hostname,
        port: this.port,
        signal: AbortSignal.timeout(CONNECT_MS),
      });
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset) {
        this.#refused++;
      } else this.#timedOut++;
      return;
    }
    const connection: Connection = { socket, node: undefined, lives: false };
    this.#connections.push(connection);
    connection.node = await ask(socket);
    connection.lives = connection.node !== undefined;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Asks on each connection, but those of nodes that are gone. @param gone their addresses */
  async report(gone: readonly string[]): Promise<HolderReport> {
    await Promise.all(this.#opening);
    const held = await Promise.all(this.#connections.map(async ({ socket, node, lives }): Promise<Held> => {
      const { port } = socket.localAddr;
      const answered = lives && !gone.includes(node!) ? await ask(socket) : undefined;
      return { port, node: node ?? answered, lives: answered !== undefined };
    }));
    return { held, refused: this.#refused, timedOut: this.#timedOut };
  }
}

/** Asks for the node: the web server says who connected to it. Undefined, and the connection closed, where no answer comes. */
async function ask(socket: Deno.TcpConn): Promise<string | undefined> {
  const late = setTimeout(() => socket.close(), ANSWER_MS);
  try {
    await socket.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: bench\r\n\r\n"));
    let text = "";
    const buffer = new Uint8Array(4096);
    while (!text.endsWith("}\n")) {
      const count = await socket.read(buffer);
      if (count === null) break;
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
    return /"peer":"([^"]+)"/.exec(text)?.[1];
  } catch {
    return undefined;
  } finally {
    clearTimeout(late);
  }
}

if (import.meta.main) {
  const holder = new Holder(Deno.args[0]!, Number(Deno.args[1]));
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  const opening = holder.open();
  console.log("opening");
  await lines.next();
  holder.stop();
  console.log("stopped");
  await opening;
  const { value: gone } = await lines.next();
  console.log(JSON.stringify(await holder.report(gone.trim().split(","))));
  Deno.exit(0);
}
