/** Where comments and CDATA sections end: HTML sections 13.2.5.43 to 13.2.5.52 and 13.2.5.69 to 13.2.5.71. */

const GREATER = 62;
const BANG = 33;
const DASH = 45;
const CLOSE_BRACKET = 93;

/** Behind "-->" or "--!>", or the complement of where to hold. */
export function endOfComment(bytes: Uint8Array, at: number, end: number): number {
  const from = at;
  while (true) {
    const close = bytes.indexOf(GREATER, at);
    if (close < 0 || close >= end) break;
    const bang = bytes[close - 1] === BANG ? 1 : 0;
    if (close - 2 - bang >= from && bytes[close - 1 - bang] === DASH && bytes[close - 2 - bang] === DASH) {
      return close + 1;
    }
    at = close + 1;
  }
  return ~heldBefore(bytes, from, end, 3, (byte) => byte === DASH || byte === BANG);
}

/** Behind "]]>", or the complement of where to hold. */
export function endOfCdata(bytes: Uint8Array, at: number, end: number): number {
  const from = at;
  while (true) {
    const close = bytes.indexOf(GREATER, at);
    if (close < 0 || close >= end) break;
    if (close - 2 >= from && bytes[close - 1] === CLOSE_BRACKET && bytes[close - 2] === CLOSE_BRACKET) return close + 1;
    at = close + 1;
  }
  return ~heldBefore(bytes, from, end, 2, (byte) => byte === CLOSE_BRACKET);
}

/** Up to `most` bytes before the end that may belong to what ends it. */
function heldBefore(
  bytes: Uint8Array,
  from: number,
  end: number,
  most: number,
  belongs: (byte: number) => boolean,
): number {
  let at = end;
  while (at > from && end - at < most && belongs(bytes[at - 1]!)) at--;
  return at;
}
