/** A response out of the page cache, as HTTP/1.1 writes it. */
import { encodeLatin1 } from "../proxy/http1/latin1.ts";
import type { CachedPage } from "./page_cache.ts";

export interface Answer {
  readonly page: CachedPage;
  /** s. */
  readonly age: number;
  /** The client holds it already: 304. */
  readonly isUnchanged: boolean;
}

const NOT_MODIFIED = "HTTP/1.1 304 Not Modified\r\n";
const LF = 10;

/**
 * Writes the head and returns where it ends.
 * @param lines of ours, each with its CR LF
 */
export function writeAnswer({ page, age, isUnchanged }: Answer, lines: string, out: Uint8Array<ArrayBuffer>): number {
  let at = 0;
  let { head } = page;
  if (isUnchanged) {
    at = encodeLatin1(NOT_MODIFIED, out, 0);
    head = head.subarray(head.indexOf(LF) + 1);
  }
  out.set(head, at);
  at += head.length;
  const length = isUnchanged ? "" : `content-length: ${page.body.length}\r\n`;
  return encodeLatin1(`age: ${Math.max(0, Math.floor(age))}\r\n${length}${lines}\r\n`, out, at);
}
