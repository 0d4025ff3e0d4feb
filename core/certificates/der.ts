/**
 * Reads DER (X.690 section 10) in place. node-forge does too, and costs a process 80 ms and 18 MB to load: proxy processes, which only
 * look at their certificates, do without.
 */

/** Longest length that is read, bytes: 16 MiB are more than any file of this program. */
const MAX_LENGTH_BYTES = 3;

export interface Element {
  /** With class and form, as it stands: 0x30 is a sequence. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly whole: Uint8Array;
}

/** The elements that stand one behind the other. Throws SyntaxError when the bytes are something else. */
export function elementsOf(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at);
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

/** The elements within one that stands alone. Throws SyntaxError. */
export function partsIn(element: Element | undefined): Element[] {
  if (!element) throw new SyntaxError("Cannot read DER: an element is missing");
  return elementsOf(element.content);
}

function elementAt(bytes: Uint8Array, at: number): Element {
  const first = bytes[at + 1] ?? 0x80;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthBytes;
  // 0x80 is a length that DER does not have.
  if (first === 0x80 || lengthBytes > MAX_LENGTH_BYTES) throw new SyntaxError("Cannot read DER: no length");
  let length = first < 0x80 ? first : 0;
  for (const byte of bytes.subarray(at + 2, start)) length = length * 256 + byte;
  if (start + length > bytes.length) throw new SyntaxError("Cannot read DER: it ends early");
  return {
    tag: bytes[at]!,
    content: bytes.subarray(start, start + length),
    whole: bytes.subarray(at, start + length),
  };
}

/** An object identifier as "2.5.29.17": X.690 section 8.19. */
export function dotted(oid: Element | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of oid?.content ?? []) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...rest].join(".");
}
