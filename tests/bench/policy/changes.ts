/** A back end is drained, stopped, stands still, is killed and comes back under load: how many requests fail. */
import http from "node:http";
import { delay } from "../../../core/delay.ts";
import { BackEndProcess } from "../../proxy/back_end_process.ts";
import { freePorts, ServeProcess } from "../../proxy/harness.ts";
import { bar, type Found, row } from "../report.ts";

const BACK_ENDS = 3;
/** Requests under way at a time. */
const USERS = 16;
const SESSIONS = ", persistence: { session_cookies: [sid] }";

export async function measureChanges(phaseMs: number): Promise<Found> {
  const ports = freePorts(BACK_ENDS);
  const backEnds = await Promise.all(ports.map((port) => BackEndProcess.start(port)));
  const serve = await ServeProcess.start({ backEnds: ports, backEnd: ports.map(() => ""), pool: SESSIONS });
  const load = new Load(serve.http);
  const [, , last] = backEnds as [BackEndProcess, BackEndProcess, BackEndProcess];
  const failed: [change: string, failed: number][] = [];
  let drained: ServeProcess | undefined;
  const phase = async (change: string, work: () => Promise<void>) => {
    const before = load.failed;
    await work();
    await delay(phaseMs);
    failed.push([change, load.failed - before]);
  };
  try {
    load.begin(USERS / 2, "");
    load.begin(USERS / 2, "SpServer=3");
    await phase("nothing", () => Promise.resolve());
    await phase("drained", async () => {
      const config = await Deno.readTextFile(`${serve.dir}/dlba.yaml`);
      await Deno.writeTextFile(
        `${serve.dir}/dlba.yaml`,
        config.replace(`:${ports[2]}"`, `:${ports[2]}", state: drain`),
      );
      drained = await serve.successor("--take-over");
      await serve.child.status;
    });
    // Its last users leave: from now on all that it has are idle connections.
    load.end("SpServer=3");
    await delay(200);
    await phase("killed while idle", () => last.kill());
    const [first] = backEnds as [BackEndProcess];
    await phase("standing still", async () => {
      first.child.kill("SIGSTOP");
      await delay(phaseMs);
      first.child.kill("SIGCONT");
    });
    await phase("killed under load", () => first.kill());
    await phase("back", async () => {
      backEnds[0] = await BackEndProcess.start(ports[0]!);
    });
  } finally {
    await load.stop();
    await (drained ?? serve).stop();
    for (const backEnd of [backEnds[0]!, backEnds[1]!]) await backEnd.kill();
  }
  const planned = failed.slice(0, 3).reduce((sum, [, count]) => sum + count, 0);
  return {
    rows: [
      row("policy.requests", "answered", [load.answered]),
      ...failed.map(([change, count]) => row(`policy.failed.${change.replaceAll(" ", "_")}`, "requests", [count])),
    ],
    bars: [bar("policy.failed_on_drain", planned, 0, "lower")],
  };
}

class Load {
  answered = 0;
  failed = 0;
  #running = new Map<string, { ended: boolean; done: Promise<void>[] }>();
  #agent = new http.Agent({ keepAlive: true });

  constructor(readonly port: number) {}

  begin(users: number, cookie: string): void {
    const group = { ended: false, done: [] as Promise<void>[] };
    this.#running.set(cookie, group);
    const run = async () => {
      while (!group.ended) {
        if (await this.#ask(cookie)) this.answered++;
        else this.failed++;
      }
    };
    group.done = Array.from({ length: users }, run);
  }

  end(cookie: string): void {
    this.#running.get(cookie)!.ended = true;
  }

  #ask(cookie: string): Promise<boolean> {
    const headers = cookie === "" ? {} : { cookie };
    return new Promise((resolve) => {
      const options = { host: "127.0.0.1", port: this.port, agent: this.#agent, headers };
      const request = http.request(options, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode === 200));
        response.on("error", () => resolve(false));
      });
      request.on("error", (error) => {
        // A kept-alive connection that the server ended in the moment of its use: whoever keeps connections asks again (RFC 9112 section 9.3.1).
        const isRetry = (request as unknown as { reusedSocket: boolean }).reusedSocket;
        if (isRetry && (error as NodeJS.ErrnoException).code === "ECONNRESET") this.#ask(cookie).then(resolve);
        else resolve(false);
      });
      request.end();
    });
  }

  async stop(): Promise<void> {
    for (const group of this.#running.values()) group.ended = true;
    for (const { done } of this.#running.values()) await Promise.all(done);
    this.#agent.destroy();
  }
}
