/** The candidates of a srcset attribute: HTML section 4.8.4.3.10 (parsing a srcset attribute). */

const COMMA = 44;
const OPEN = 40;
const CLOSE = 41;

/** Where the next URL begins: behind spaces and commas. */
export function candidateStart(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (isSpace(bytes[at]!) || bytes[at] === COMMA)) at++;
  return at;
}

/** Where the URL that begins at `at` ends, commas behind it included. */
export function candidateEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && !isSpace(bytes[at]!)) at++;
  return at;
}

/** Commas at its end end the candidate: no descriptors follow. */
export function trimCommas(bytes: Uint8Array, start: number, end: number): number {
  while (end > start && bytes[end - 1] === COMMA) end--;
  return end;
}

/** Behind the comma that ends the descriptors; one in parentheses does not. */
export function descriptorsEnd(bytes: Uint8Array, at: number, end: number): number {
  let isInParentheses = false;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (isInParentheses) isInParentheses = byte !== CLOSE;
    else if (byte === OPEN) isInParentheses = true;
    else if (byte === COMMA) return at + 1;
  }
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte >= 9 && byte <= 13 && byte !== 11;
}
