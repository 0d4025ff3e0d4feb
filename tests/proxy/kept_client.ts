import { sendAll } from "./harness.ts";

/** A kept-alive connection that asks one request at a time; whatever fails rejects. */
export class Client {
  #text = "";
  answers = 0;

  private constructor(readonly connection: Deno.Conn) {}

  static async open(port: number): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Resolves to head and body. */
  async ask(path = "/", host = "x"): Promise<{ head: string; body: string }> {
    await sendAll(this.connection, new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`));
    const buffer = new Uint8Array(16_384);
    while (true) {
      const end = this.#text.indexOf("\r\n\r\n");
      const head = this.#text.slice(0, end);
      const length = Number(/^content-length: (\d+)/mi.exec(head)?.[1] ?? 0);
      if (end >= 0 && this.#text.length >= end + 4 + length) {
        const body = this.#text.slice(end + 4, end + 4 + length);
        this.#text = this.#text.slice(end + 4 + length);
        this.answers++;
        return { head, body };
      }
      const count = await this.connection.read(buffer);
      if (count === null) throw new Error("the connection was closed");
      this.#text += new TextDecoder().decode(buffer.subarray(0, count));
    }
  }

  close(): void {
    this.connection.close();
  }
}
