/** Finds the end of each response on a connection. Bytes in, "is it complete" out. */
import { Buffer } from "node:buffer";

const HEAD_END = "\r\n\r\n";
const IN_HEAD = -1;

export class ResponseReader {
  /** Bytes of the body that are still to come. */
  #left = IN_HEAD;
  /** Start of a head that came in pieces. */
  #held = "";

  /**
   * Takes the first `count` bytes of `buffer` and says whether the response ends with them. Throws on a status other than 200, on
   * a response without Content-Length, and on bytes that nobody asked for.
   */
  feed(buffer: Buffer<ArrayBuffer>, count: number): boolean {
    let at = 0;
    if (this.#left === IN_HEAD) {
      const text = this.#held + buffer.toString("latin1", 0, Math.min(count, 16_384));
      const end = text.indexOf(HEAD_END);
      if (end < 0) {
        this.#held = text;
        return false;
      }
      at = end + HEAD_END.length - this.#held.length;
      this.#held = "";
      this.#left = bodyLength(text.slice(0, end));
    }
    this.#left -= count - at;
    if (this.#left > 0) return false;
    if (this.#left < 0) throw new Error("More bytes than the response has");
    this.#left = IN_HEAD;
    return true;
  }
}

function bodyLength(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (!head.startsWith("HTTP/1.1 200 ") || !length) throw new Error(`Unexpected response: ${head.split("\r\n")[0]}`);
  return Number(length[1]);
}
