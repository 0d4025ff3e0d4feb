/** Character references of an attribute's value, resolved; HTML section 13.5. Bytes remember where they came from. */
import { decodeLatin1, encodeLatin1 } from "../proxy/http1/latin1.ts";

/** Only these, written out in full, are resolved: any other makes the value unclear where it matters. */
const REFERENCES = [
  ["&amp;", "&"],
  ["&quot;", '"'],
  ["&apos;", "'"],
  ["&#34;", '"'],
  ["&#39;", "'"],
  ["&#x22;", '"'],
  ["&#x27;", "'"],
].map(([source, character]) => ({ source: new TextEncoder().encode(source), byte: character!.charCodeAt(0) }));

const AMPERSAND = 38;
const HASH = 35;

export interface ResolvedBytes {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** For each byte and the end: where it stands in the source. */
  readonly offsets: Int32Array;
  /** Where the first reference stands that was not resolved; -1 without. */
  readonly unclearAt: number;
}

/** Used again for each value. */
const resolved = { bytes: new Uint8Array(4_096), length: 0, offsets: new Int32Array(4_097), unclearAt: -1 };

/** The value in the bytes from `start` to `end`; good until the next call. */
export function resolve(bytes: Uint8Array, start: number, end: number): ResolvedBytes {
  if (resolved.bytes.length < end - start) {
    resolved.bytes = new Uint8Array(end - start);
    resolved.offsets = new Int32Array(end - start + 1);
  }
  const { bytes: out, offsets } = resolved;
  let length = 0;
  let unclearAt = -1;
  for (let at = start; at < end; length++) {
    let byte = bytes[at]!;
    offsets[length] = at;
    at++;
    if (byte === AMPERSAND) {
      const reference = referenceAt(bytes, at - 1, end);
      if (reference !== undefined) {
        byte = reference.byte;
        at += reference.source.length - 1;
      } else if (unclearAt < 0 && mayBeReference(bytes[at]!)) unclearAt = length;
    }
    out[length] = byte;
  }
  offsets[length] = end;
  resolved.length = length;
  resolved.unclearAt = unclearAt;
  return resolved;
}

function referenceAt(bytes: Uint8Array, at: number, end: number) {
  for (let index = 0; index < REFERENCES.length; index++) {
    const reference = REFERENCES[index]!;
    const { source } = reference;
    let i = 1;
    while (i < source.length && at + i < end && (bytes[at + i]! | 32) === (source[i]! | 32)) i++;
    if (i === source.length) return reference;
  }
  return undefined;
}

function mayBeReference(byte: number): boolean {
  return byte === HASH || (byte | 32) >= 97 && (byte | 32) <= 122;
}

/** A value of fixed words, one character a byte. */
export function resolvedText(source: string): string {
  if (!source.includes("&")) return source;
  const bytes = new Uint8Array(source.length);
  encodeLatin1(source, bytes, 0);
  const { bytes: out, length } = resolve(bytes, 0, bytes.length);
  return decodeLatin1(out, 0, length);
}
