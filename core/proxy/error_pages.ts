/** Pages of the operator's for answers that no back end gave. */
import { readBytes, Unreadable } from "../config/read.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { decodeLatin1 } from "./http1/latin1.ts";

/** More than a page needs, and it fits where heads are written. */
const MOST_BYTES = 65_536;

export interface ErrorPage {
  readonly type: string;
  /** A character a byte. */
  readonly body: string;
}

/** Throws {@linkcode Unreadable}. */
export function readErrorPage(path: string): Uint8Array {
  const bytes = readBytes(path);
  if (bytes.length > MOST_BYTES) throw new Unreadable(`${bytes.length} bytes, more than ${MOST_BYTES}`);
  return bytes;
}

/** By status. @param place of a file that the config names. Throws UsageError where a page cannot be used. */
export function readErrorPages(config: Config, place: (path: string) => string): Map<number, ErrorPage> {
  return new Map(config.proxy.error_pages.map(({ status, file }) => {
    let bytes: Uint8Array;
    try {
      bytes = readErrorPage(place(file));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      throw new UsageError(`Cannot use the error page ${file}: ${error.message}`);
    }
    const type = /\.html?$/.test(file)
      ? "text/html; charset=utf-8"
      : /\.json$/.test(file)
      ? "application/json"
      : "text/plain; charset=utf-8";
    return [status, { type, body: decodeLatin1(bytes, 0, bytes.length) }];
  }));
}
