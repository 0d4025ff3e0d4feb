/** The beginnings of URLs of a page's own origin, as bytes. */
import type { DocumentPlace, HostTexts } from "./document_urls.ts";

interface OwnOrigin {
  readonly bytes: Uint8Array;
  /** What takes its place: the scheme is kept. */
  readonly text: keyof HostTexts;
}

const SLASH = 47;

export class OwnOrigins {
  readonly #origins: readonly OwnOrigin[];

  constructor(hosts: readonly string[]) {
    const encoder = new TextEncoder();
    this.#origins = hosts.flatMap((host): OwnOrigin[] => [
      { bytes: encoder.encode(`https://${host}`), text: "https" },
      { bytes: encoder.encode(`http://${host}`), text: "http" },
      { bytes: encoder.encode(`//${host}`), text: "relative" },
    ]);
  }

  /** The own origin that a path from the root follows; {@linkcode OTHER_ORIGIN}, or undefined where bytes do not tell. */
  find(bytes: Uint8Array, start: number, end: number): OwnOrigin | undefined {
    for (let i = 0; i < this.#origins.length; i++) {
      const origin = this.#origins[i]!;
      const pathAt = start + origin.bytes.length;
      if (pathAt <= end && isSame(bytes, start, origin.bytes)) {
        if (pathAt < end && bytes[pathAt] === SLASH) return origin;
        return undefined;
      }
    }
    return OTHERS.some((text) => start + text.length <= end && isSame(bytes, start, text)) ? OTHER_ORIGIN : undefined;
  }
}

/** Begins with a scheme, or the place of a host, that is not the page's own. */
export const OTHER_ORIGIN: OwnOrigin = { bytes: new Uint8Array(0), text: "relative" };
const OTHERS = ["https://", "http://", "data:"].map((text) => new TextEncoder().encode(text));

/** Letters in any case: of the bytes that differ by that bit none but letters can stand in a scheme or host. */
function isSame(bytes: Uint8Array, start: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if ((bytes[start + i]! | 32) !== (text[i]! | 32)) return false;
  return true;
}

/** Most pages are of the host of the one before. */
let lastHost: string | undefined;
let lastAliases: ReadonlySet<string> | undefined;
let last: OwnOrigins | undefined;

export function originsOf({ host, aliases }: DocumentPlace): OwnOrigins {
  if (last === undefined || host !== lastHost || aliases !== lastAliases) {
    lastHost = host;
    lastAliases = aliases;
    last = new OwnOrigins([host, ...aliases]);
  }
  return last;
}
