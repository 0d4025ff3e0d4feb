/** Frames with a comment each, in a file that Wireshark reads: draft-ietf-opsawg-pcapng. */

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;
const ETHERNET = 1;
const OPTION_END = 0;
const OPTION_COMMENT = 1;
const OPTION_INTERFACE_NAME = 2;
const WORD = 2 ** 32;

/** The beginning of a file: one section, one Ethernet interface. Times are in microseconds, as the format has it by default. */
export function pcapngHeader(interfaceName: string): Uint8Array {
  const section = Uint8Array.from([...u32s(BYTE_ORDER), ...u16s(1, 0), ...u32s(0xffffffff, 0xffffffff)]);
  const network = Uint8Array.from([
    ...u16s(ETHERNET, 0),
    ...u32s(0),
    ...option(OPTION_INTERFACE_NAME, interfaceName),
    ...END,
  ]);
  return Uint8Array.from([...block(SECTION_HEADER, section), ...block(INTERFACE, network)]);
}

/**
 * A frame, of which `bytes` are the start.
 * @param length of the whole frame; @param timeMs since 1970
 */
export function pcapngFrame(bytes: Uint8Array, length: number, timeMs: number, comment: string): Uint8Array {
  const us = Math.round(timeMs * 1000);
  const head = u32s(0, Math.floor(us / WORD), us % WORD, bytes.length, length);
  return block(
    ENHANCED_PACKET,
    Uint8Array.from([...head, ...padded(bytes), ...option(OPTION_COMMENT, comment), ...END]),
  );
}

const END = u16s(OPTION_END, 0);

function block(type: number, body: Uint8Array): Uint8Array {
  const length = u32s(body.length + 12);
  return Uint8Array.from([...u32s(type), ...length, ...body, ...length]);
}

function option(code: number, text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...u16s(code, bytes.length), ...padded(bytes)];
}

/** To a multiple of four bytes. */
function padded(bytes: Uint8Array): number[] {
  return [...bytes, ...Array<number>(-bytes.length & 3).fill(0)];
}

function u16s(...values: number[]): number[] {
  return [...new Uint8Array(Uint16Array.from(values).buffer)];
}

function u32s(...values: number[]): number[] {
  return [...new Uint8Array(Uint32Array.from(values).buffer)];
}
