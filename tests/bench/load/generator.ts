/** Load from a process of its own on a core of its own. It stays for many runs, so that none of them is its first. */
import { pinned } from "../process.ts";
import type { Count } from "./counted.ts";
import type { HandshakeCount, Handshakes } from "./handshakes.ts";
import type { Hold } from "./held.ts";
import { lines } from "./lines.ts";
import type { Latencies, Pace } from "./paced.ts";
import type { Answer, Command, Result } from "./worker.ts";

export class LoadGenerator {
  #child: Deno.ChildProcess;
  #stdin: WritableStreamDefaultWriter<Uint8Array>;
  #answers: AsyncGenerator<string>;

  constructor(core: number) {
    const worker = new URL("worker.ts", import.meta.url).pathname;
    const [program, ...args] = pinned(core, [Deno.execPath(), "run", "-A", "--quiet", worker]);
    this.#child = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#answers = lines(this.#child.stdout);
  }

  async #do(command: Command): Promise<Result> {
    await this.#stdin.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("The load generator ended");
    const answer: Answer = JSON.parse(value);
    if ("error" in answer) throw new Error(`Load on port ${"port" in command ? command.port : "?"}: ${answer.error}`);
    return answer;
  }

  /** Requests at a constant rate; how long they took. */
  async paced(pace: Pace): Promise<Latencies> {
    return (await this.#do({ do: "paced", ...pace })).latencies!;
  }

  /** So many requests, one after the other on each connection. */
  async counted(count: Count): Promise<void> {
    await this.#do({ do: "counted", ...count });
  }

  /** So many TLS handshakes, each on a connection of its own. */
  async handshakes(handshakes: Handshakes): Promise<HandshakeCount> {
    return (await this.#do({ do: "handshakes", ...handshakes })).handshakes!;
  }

  /** Opens connections, asks once on each, and leaves them open until {@linkcode release}. */
  async hold(hold: Hold): Promise<void> {
    await this.#do({ do: "hold", ...hold });
  }

  async release(): Promise<void> {
    await this.#do({ do: "release" });
  }

  async stop(): Promise<void> {
    await this.#stdin.close();
    await this.#answers.return(undefined);
    await this.#child.status;
  }
}
