/** What the fields of a head say of its body's length and of the connection: RFC 9112 sections 6 and 9, RFC 9110 section 7.6.1. */
import {
  CLIENT_IDENTITY,
  CONNECTION,
  CONTENT_LENGTH,
  COOKIE,
  EXPECT,
  FORWARDED,
  FORWARDED_FOR,
  FORWARDED_HOST,
  FORWARDED_MORE,
  FORWARDED_PROTO,
  HOST,
  KEEP_ALIVE,
  PROXY_CONNECTION,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
} from "../field_names.ts";
import type { HeadBlock } from "../head_block.ts";
import { decodeLatin1 } from "./latin1.ts";
import { trimWhitespace } from "./whitespace.ts";
import { BadMessage, equalsIgnoringCase, type FieldTaker } from "./syntax.ts";

/** 10^15 bytes are more than a body has, and exact in a number. */
const MAX_LENGTH_DIGITS = 15;

/** Takes the fields that concern framing and connection out of a head. One is used again for every head. */
export class Framing implements FieldTaker {
  /** Bytes, or -1 without Content-Length. */
  contentLength = -1;
  /** All Transfer-Encoding fields as one in lower case; null without. */
  transferEncoding: string | null = null;
  /** Connection says so. */
  close = false;
  keepAlive = false;
  /** Connection lists `upgrade`; what Upgrade holds. */
  listsUpgrade = false;
  upgrade = "";
  hosts = 0;
  host = "";
  /** All Cookie fields as one, or "". */
  cookie = "";
  /** The client takes trailers (TE). */
  acceptsTrailers = false;
  /** Expect: 100-continue. */
  expectsContinue = false;
  /** Whether what a proxy before us says of its client is kept. */
  keepsForwarded = false;
  /** That, by the numbers of the fields, each as one list; null where it said nothing. */
  forwarded: Map<number, string> | null = null;
  #lengthDigits = 0;
  #named: Set<string> | null = null;
  #lastHost = "";

  constructor(readonly isRequest: boolean) {}

  clear(): void {
    this.contentLength = -1;
    this.transferEncoding = null;
    this.upgrade = this.host = this.cookie = "";
    this.close =
      this.keepAlive =
      this.listsUpgrade =
      this.acceptsTrailers =
      this.expectsContinue =
        false;
    this.hosts = 0;
    this.#named = null;
    this.forwarded = null;
  }

  take(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    switch (number) {
      case CONTENT_LENGTH:
        this.#takeLength(bytes, start, end);
        return false;
      case TRANSFER_ENCODING: {
        const value = equalsIgnoringCase(bytes, start, end, "chunked")
          ? "chunked"
          : decodeLatin1(bytes, start, end).toLowerCase();
        this.transferEncoding = this.transferEncoding === null ? value : `${this.transferEncoding},${value}`;
        return false;
      }
      case CONNECTION:
        if (equalsIgnoringCase(bytes, start, end, "keep-alive")) this.keepAlive = true;
        else if (equalsIgnoringCase(bytes, start, end, "close")) this.close = true;
        else this.#takeConnection(decodeLatin1(bytes, start, end).toLowerCase());
        return false;
      case UPGRADE:
        this.upgrade = this.upgrade === ""
          ? decodeLatin1(bytes, start, end)
          : `${this.upgrade}, ${decodeLatin1(bytes, start, end)}`;
        return false;
      case KEEP_ALIVE:
      case PROXY_CONNECTION:
        return false;
      case TE:
        if (decodeLatin1(bytes, start, end).toLowerCase().includes("trailers")) this.acceptsTrailers = true;
        return false;
      default:
        return !this.isRequest || this.#takeOfRequest(number, bytes, start, end);
    }
  }

  #takeOfRequest(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    switch (number) {
      case HOST:
        this.hosts++;
        this.host = this.#hostText(bytes, start, end);
        return true;
      case COOKIE: {
        const value = decodeLatin1(bytes, start, end);
        if (value !== "") this.cookie = this.cookie === "" ? value : `${this.cookie}; ${value}`;
        return false;
      }
      case EXPECT:
        // RFC 9110 section 10.1.1: no other expectation is defined.
        if (!equalsIgnoringCase(bytes, start, end, "100-continue")) throw new BadMessage(417, "unknown expectation");
        this.expectsContinue = true;
        return false;
      case CLIENT_IDENTITY:
        return false;
      case FORWARDED_FOR:
      case FORWARDED_PROTO:
      case FORWARDED_HOST:
      case FORWARDED:
        if (this.keepsForwarded) this.#keepForwarded(number, decodeLatin1(bytes, start, end));
        return false;
      case FORWARDED_MORE:
        return this.keepsForwarded;
    }
    return true;
  }

  /** Most requests name the host of the one before: its text is used again. */
  #hostText(bytes: Uint8Array, start: number, end: number): string {
    const last = this.#lastHost;
    let i = 0;
    if (last.length === end - start) { while (i < last.length && bytes[start + i] === last.charCodeAt(i)) i++; }
    if (i < last.length || end - start !== i) this.#lastHost = decodeLatin1(bytes, start, end);
    return this.#lastHost;
  }

  #keepForwarded(number: number, value: string): void {
    const kept = this.forwarded ??= new Map();
    const before = kept.get(number);
    kept.set(number, before === undefined ? value : `${before}, ${value}`);
  }

  #takeLength(bytes: Uint8Array, start: number, end: number): void {
    if (end === start || end - start > MAX_LENGTH_DIGITS) throw new BadMessage(400, "Content-Length is not a number");
    let length = 0;
    for (let i = start; i < end; i++) {
      const digit = bytes[i]! - 48;
      if (digit < 0 || digit > 9) throw new BadMessage(400, "Content-Length is not a number");
      length = length * 10 + digit;
    }
    if (this.contentLength >= 0 && (this.contentLength !== length || this.#lengthDigits !== end - start)) {
      throw new BadMessage(400, "two Content-Lengths that differ");
    }
    this.contentLength = length;
    this.#lengthDigits = end - start;
  }

  #takeConnection(value: string): void {
    for (const option of value.split(",")) {
      const trimmed = trimWhitespace(option);
      if (trimmed === "close") this.close = true;
      else if (trimmed === "keep-alive") this.keepAlive = true;
      else if (trimmed === "upgrade") this.listsUpgrade = true;
      else if (trimmed !== "") (this.#named ??= new Set()).add(trimmed);
    }
  }

  /** Removes the fields that Connection named. To be called when the whole head is read. */
  dropNamed(block: HeadBlock): void {
    if (this.#named === null) return;
    block.removeNamed(this.#named);
    if (this.#named.has("cookie")) this.cookie = "";
  }
}
