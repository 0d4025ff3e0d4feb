/** One end of a TCP connection that a test drives by hand: a client of the proxy, or a back end behind it. */
import { fromLatin1, latin1, sendAll } from "./harness.ts";

/** A test that waits for longer fails instead of hanging, ms. */
const PATIENCE_MS = 15_000;

export class Peer {
  #text = "";
  #buffer = new Uint8Array(65_536);

  constructor(readonly connection: Deno.Conn) {}

  static async connect(port: number, hostname = "127.0.0.1"): Promise<Peer> {
    return new Peer(await Deno.connect({ hostname, port }));
  }

  send(bytes: string | Uint8Array): Promise<void> {
    return sendAll(this.connection, typeof bytes === "string" ? latin1(bytes) : bytes);
  }

  /** The next bytes that come up to the end of `mark`, as latin1. Throws when the connection ends before. */
  async until(mark: string): Promise<string> {
    while (!this.#text.includes(mark)) {
      if (!await this.#more()) throw new Error(`The connection ended after ${JSON.stringify(this.#text.slice(-300))}`);
    }
    return this.#take(this.#text.indexOf(mark) + mark.length);
  }

  /** The next `count` bytes, as latin1. */
  async bytes(count: number): Promise<string> {
    while (this.#text.length < count) {
      if (!await this.#more()) throw new Error(`The connection ended after ${this.#text.length} bytes of ${count}`);
    }
    return this.#take(count);
  }

  /** A message with Content-Length, or without any body: its head and its body. */
  async message(hasBody = true): Promise<{ readonly head: string; readonly body: string }> {
    const head = await this.until("\r\n\r\n");
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    return { head, body: hasBody ? await this.bytes(length) : "" };
  }

  /** What came beyond the last {@linkcode until}, as latin1. */
  takeHeld(): string {
    return this.#take(this.#text.length);
  }

  /** All that comes until the other side ends, as latin1; with "[reset]" behind it where it did not end in order. */
  async rest(): Promise<string> {
    try {
      while (await this.#more());
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      this.#text += "[reset]";
    }
    return this.#take(this.#text.length);
  }

  /** Says that it will send no more. */
  finish(): Promise<void> {
    return this.connection.closeWrite();
  }

  close(): void {
    this.connection.close();
  }

  #take(count: number): string {
    const taken = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return taken;
  }

  async #more(): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(new Error(`Nothing came within ${PATIENCE_MS} ms after ${JSON.stringify(this.#text.slice(-300))}`)),
        PATIENCE_MS,
      );
    });
    try {
      const count = await Promise.race([this.connection.read(this.#buffer), late]);
      if (count === null) return false;
      this.#text += fromLatin1(this.#buffer.subarray(0, count));
      return true;
    } finally {
      clearTimeout(timer);
    }
  }
}
