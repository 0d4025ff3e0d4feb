/** Our reader of requests, fed with pieces in the way of a client connection: what one read gives, then the next. */
import { giveBack, takeBlock } from "../../core/proxy/head_block.ts";
import { CHUNK_OVERHEAD, IncomingBody, writeBody } from "../../core/proxy/http1/body.ts";
import { HeldBytes } from "../../core/proxy/http1/held_bytes.ts";
import { parseRequest, requestHeadEnd } from "../../core/proxy/http1/request.ts";
import { BadMessage, CR, INCOMPLETE, LF } from "../../core/proxy/http1/syntax.ts";
import { type RequestHead, UNKNOWN_LENGTH } from "../../core/proxy/message.ts";
import { fromLatin1, latin1 } from "./harness.ts";
import type { Verdict } from "./reference_parser.ts";

const trailerRoom = new Uint8Array(CHUNK_OVERHEAD);

/** Reads one request that comes in pieces. */
export function readProduction(pieces: readonly string[]): Verdict {
  const reader = new Reader();
  try {
    for (const piece of pieces) reader.take(piece);
  } catch (error) {
    if (!(error instanceof BadMessage)) throw error;
    return { kind: "refused", why: error.message };
  }
  return reader.verdict();
}

class Reader {
  #held: HeldBytes | null = null;
  #sawCr = false;
  #request: RequestHead | null = null;
  #body = new IncomingBody();
  #data = "";
  #rest = "";

  take(piece: string): void {
    // A buffer of its own, as long as it needs to be: a read behind the sentinel would be seen.
    const bytes = latin1(`${piece}\0`);
    const end = piece.length;
    if (end === 0) return;
    if (this.#request === null) this.#takeOfHead(bytes, end);
    else if (this.#body.isDone) this.#rest += piece;
    else this.#takeOfBody(bytes, 0, end);
  }

  #takeOfHead(bytes: Uint8Array<ArrayBuffer>, end: number): void {
    if (this.#held !== null) {
      this.#held.append(bytes, 0, end);
      if (this.#held.findHeadEnd() !== INCOMPLETE) this.#readHead(this.#held.bytes, 0, this.#held.length);
      return;
    }
    let start = 0;
    if (this.#sawCr) {
      if (bytes[start++] !== LF) throw new BadMessage(400, "CR without LF");
      this.#sawCr = false;
    }
    while (bytes[start] === CR && bytes[start + 1] === LF) start += 2;
    if (start >= end) return;
    if (bytes[start] === CR && start + 1 === end) this.#sawCr = true;
    else this.#readHead(bytes, start, end);
  }

  #readHead(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const block = takeBlock(end - start);
    try {
      const request = parseRequest(bytes, start, end, block);
      if (request === undefined) {
        this.#held = new HeldBytes(bytes, start, end);
        this.#held.findHeadEnd();
        return;
      }
      this.#request = request;
      this.#body.begin(request.bodyLength, request.bodyLength === UNKNOWN_LENGTH);
      this.#takeOfBody(bytes, requestHeadEnd, end);
    } finally {
      giveBack(block);
    }
  }

  #takeOfBody(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const dataEnd = this.#body.take(bytes, start, end);
    this.#data += fromLatin1(bytes.subarray(start, dataEnd));
    this.#rest += fromLatin1(bytes.subarray(this.#body.consumed, end));
    // Trailers are read when they are written.
    const { trailers } = this.#body;
    if (this.#body.isDone && trailers !== null) writeBody(trailerRoom, 0, bytes, 0, 0, true, true, trailers);
  }

  verdict(): Verdict {
    if (this.#request === null || !this.#body.isDone) return { kind: "incomplete" };
    const { method, target, host } = this.#request;
    return { kind: "accepted", method, target, host, body: this.#data, rest: this.#rest };
  }
}
