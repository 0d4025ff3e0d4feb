/**
 * Bytes as strings of the same length, one character a byte, both ways: a head may hold any byte above 0x7f in a field value
 * (obs-text, RFC 9110 section 5.5), and it must come out as it went in.
 */

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();
// deno-lint-ignore no-control-regex
const BEYOND_ASCII = /[^\x00-\x7f]/;

/** The bytes from `start` to `end`. */
export function decodeLatin1(bytes: Uint8Array, start: number, end: number): string {
  const text = decoder.decode(bytes.subarray(start, end));
  // The label "latin1" means windows-1252 (WHATWG Encoding), which differs from 0x80 to 0x9f.
  if (!BEYOND_ASCII.test(text)) return text;
  let exact = "";
  for (let i = start; i < end; i++) exact += String.fromCharCode(bytes[i]!);
  return exact;
}

/** Writes the text at `at` and returns where it ends. Throws RangeError when there is no room. */
export function encodeLatin1(text: string, bytes: Uint8Array, at: number): number {
  if (at + text.length > bytes.length) throw new RangeError(`No room for ${text.length} bytes at ${at}`);
  const { read, written } = encoder.encodeInto(text, bytes.subarray(at));
  if (written === text.length && read === text.length) return at + written;
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}
