/** A client's connection that requests are read from: heads that come in pieces, and bytes that wait behind a request. */
import { Buffer } from "node:buffer";
import type { Config } from "../config/schema.ts";
import { INPUT } from "./connection.ts";
import { EndingConnection } from "./ending_connection.ts";
import { giveBack, takeBlock } from "./head_block.ts";
import { HeldBytes } from "./http1/held_bytes.ts";
import { parseRequest, requestHeadEnd } from "./http1/request.ts";
import { BadMessage, CR, INCOMPLETE, LF } from "./http1/syntax.ts";
import type { EventLoop } from "./loop.ts";
import type { RequestHead } from "./message.ts";
import type { Stream } from "./stream.ts";

/** Most heads are no longer, bytes: what is may have a body with it. */
const MOST_HEADS = 2_048;

export abstract class RequestConnection extends EndingConnection {
  /** Bytes that came and are not taken yet: the beginning of a head, or what follows a request. */
  #held: HeldBytes | null = null;
  /** {@linkcode #held} follows a request: nothing of it was read as a head yet. */
  #heldIsUnread = false;
  /** The CR of an empty line before a request came alone. */
  #sawCr = false;

  constructor(loop: EventLoop, stream: Stream, readonly keepsForwarded: boolean) {
    super(loop, stream);
  }

  /** Those of the config as it is now. */
  protected abstract get limits(): Config["proxy"];

  /** A head was read; the bytes go on from `bodyAt` to `end`. */
  protected abstract takeRequest(
    request: RequestHead,
    bytes: Uint8Array<ArrayBuffer>,
    bodyAt: number,
    end: number,
  ): void;

  /** True when what was read, `count` bytes at the start of the input, is not HTTP/1: then it is taken. */
  protected abstract takeOther(count: number): boolean;

  protected get holdsBytes(): boolean {
    return this.#held !== null;
  }

  /** Keeps what follows a request until that is answered. */
  protected hold(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    this.#held = new HeldBytes(bytes, start, end);
    this.#heldIsUnread = true;
  }

  /** Gives away what is held. */
  protected letGo(): HeldBytes | null {
    const held = this.#held;
    this.#held = null;
    return held;
  }

  protected override end(): void {
    this.#held = null;
    super.end();
  }

  /** Reads for a head; false when there is nothing to do now. */
  protected readRequest(): boolean {
    // The client has not taken the last response: it can wait with its next request.
    if (this.isBlocked) return false;
    const held = this.#held;
    if (held !== null && this.#heldIsUnread) {
      this.#held = null;
      this.#takeHead(held.bytes, 0, held.length);
      return true;
    }
    const count = this.readOrClose();
    if (count <= 0) return false;
    if (held === null) {
      if (this.takeOther(count)) return true;
      INPUT[count] = 0;
      this.#takeHead(INPUT, 0, count);
      return true;
    }
    held.append(INPUT, 0, count);
    const headEnd = held.findHeadEnd();
    this.#checkHeadLength(headEnd === INCOMPLETE ? held.length : headEnd, held);
    if (headEnd !== INCOMPLETE) {
      this.#held = null;
      this.#readHead(held.bytes, 0, held.length, headEnd);
    }
    return true;
  }

  /** Takes the bytes from `start`, where a request begins, to `end`. */
  #takeHead(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    if (this.#sawCr) {
      if (bytes[start++] !== LF) throw new BadMessage(400, "CR without LF");
      this.#sawCr = false;
    }
    // An empty line before a request is to be ignored: RFC 9112 section 2.2.
    while (bytes[start] === CR && bytes[start + 1] === LF) start += 2;
    if (start >= end) return;
    if (bytes[start] === CR && start + 1 === end) this.#sawCr = true;
    else this.#readHead(bytes, start, end, end - start > MOST_HEADS ? headEndWithin(bytes, start, end) : end);
  }

  /** @param headEnd where the head ends at the latest */
  #readHead(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, headEnd: number): void {
    const block = takeBlock(headEnd - start);
    let request: RequestHead | undefined;
    try {
      request = parseRequest(bytes, start, end, block, this.keepsForwarded);
    } finally {
      if (request === undefined) giveBack(block);
    }
    if (request !== undefined) {
      const bodyAt = requestHeadEnd;
      if (bodyAt - start > this.limits.max_head_bytes) {
        giveBack(block);
        this.#refuseLongHead(bytes, start, bodyAt);
      }
      return this.takeRequest(request, bytes, bodyAt, end);
    }
    // The time for a head counts from its first byte.
    this.loop.setDeadline(this, this.limits.head_timeout);
    this.#held = new HeldBytes(bytes, start, end);
    this.#heldIsUnread = false;
    this.#checkHeadLength(end - start, this.#held);
    // What is held is looked at once: later calls go on from its end.
    this.#held.findHeadEnd();
  }

  #checkHeadLength(length: number, held: HeldBytes): void {
    if (length > this.limits.max_head_bytes) this.#refuseLongHead(held.bytes, 0, held.length);
  }

  #refuseLongHead(bytes: Uint8Array, start: number, end: number): never {
    const isInFirstLine = !bytes.subarray(start, Math.min(end, start + this.limits.max_head_bytes)).includes(LF);
    throw isInFirstLine ? new BadMessage(414, "target too long") : new BadMessage(431, "head too long");
  }
}

/** Where the first empty line ends, or `end` where there is none. */
function headEndWithin(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, end).indexOf("\r\n\r\n", start, "latin1");
  return at < 0 ? end : at + 4;
}
