/** The witness and the holder, run in a client's host. */
import type { Host } from "../../../core/lab/host.ts";
import type { HolderReport } from "./holder.ts";
import { Observation } from "./observation.ts";

const HOLDER = new URL("holder.ts", import.meta.url).pathname;
const SYN_MS = 5;
const ARP_MS = 5;

/** A program in the host that is spoken to line by line. */
class Conversation {
  #child: Deno.ChildProcess;
  #writer: WritableStreamDefaultWriter<Uint8Array>;
  #lines: AsyncIterator<string>;

  constructor(host: Host, command: readonly string[]) {
    const [program, ...args] = host.command(command);
    this.#child = new Deno.Command(program!, { args, env: host.lab.env, stdin: "piped", stdout: "piped" }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout);
  }

  async say(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text + "\n"));
  }

  async hear(): Promise<string> {
    const { value } = await this.#lines.next();
    return value ?? "";
  }

  /** Everything that is still said, up to the end. */
  async end(): Promise<string> {
    await this.#writer.close();
    const lines: string[] = [];
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next()) lines.push(next.value);
    await this.#child.status;
    return lines.join("\n");
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Sees what becomes of the VIP, from the time it is made to {@linkcode end}. */
export class Witness {
  #conversation: Conversation;

  /** @param program witness.c, compiled */
  constructor(host: Host, program: string, vip: string, port: number) {
    const command = [program, vip, String(port), "eth0", String(SYN_MS), String(ARP_MS)];
    this.#conversation = new Conversation(host, command);
  }

  async end(): Promise<Observation> {
    return new Observation(await this.#conversation.end());
  }
}

/** Opens connections, and tells what became of them. */
export class ConnectionHolder {
  #conversation: Conversation;

  constructor(host: Host, vip: string, port: number) {
    const command = [Deno.execPath(), "run", "-A", "--no-check", "--quiet", HOLDER, vip, String(port)];
    this.#conversation = new Conversation(host, command);
  }

  /** Resolves once it opens connections. */
  async opening(): Promise<void> {
    await this.#conversation.hear();
  }

  /** It opens no more. */
  async stop(): Promise<void> {
    await this.#conversation.say("stop");
    await this.#conversation.hear();
  }

  /** Asks on each connection but those of nodes that are gone, and ends. @param gone their addresses */
  async report(gone: readonly string[]): Promise<HolderReport> {
    await this.#conversation.say(gone.join(","));
    const report = JSON.parse(await this.#conversation.hear()) as HolderReport;
    await this.#conversation.end();
    return report;
  }
}
