/**
 * As much of SNMPv2c as asking for a column takes: GetNext requests and their responses. RFC 1901 (message), RFC 3416 (PDUs), RFC 3417
 * section 8 (BER). Pure.
 */

const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const SEQUENCE = 0x30;
const GET_NEXT = 0xa1;
const RESPONSE = 0xa2;
/** version(1) */
const SNMPV2C = 1;

/** hrProcessorLoad, percent of the last minute, a row a processor: RFC 2790 section 4.3.1. */
export const HR_PROCESSOR_LOAD = [1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 2] as const;

export interface SnmpVariable {
  readonly oid: readonly number[];
  /** Undefined where it is none of 32 bits. */
  readonly integer: number | undefined;
}

/** Asks for the variable that follows `oid`. */
export function encodeGetNext(community: string, requestId: number, oid: readonly number[]): Uint8Array<ArrayBuffer> {
  const variable = tlv(SEQUENCE, [...tlv(OBJECT_IDENTIFIER, oidBytes(oid)), ...tlv(NULL, [])]);
  const pdu = tlv(GET_NEXT, [
    ...tlv(INTEGER, integerBytes(requestId)),
    ...tlv(INTEGER, [0]),
    ...tlv(INTEGER, [0]),
    ...tlv(SEQUENCE, variable),
  ]);
  const name = [...new TextEncoder().encode(community)];
  return Uint8Array.from(tlv(SEQUENCE, [...tlv(INTEGER, [SNMPV2C]), ...tlv(OCTET_STRING, name), ...pdu]));
}

/** The first variable of a response to that request; undefined for anything else, whatever the bytes. */
export function decodeResponse(bytes: Uint8Array, requestId: number): SnmpVariable | undefined {
  try {
    const message = new Reader(bytes).enter(SEQUENCE);
    if (message.integer() !== SNMPV2C) return undefined;
    message.skip(OCTET_STRING);
    const pdu = message.enter(RESPONSE);
    if (pdu.integer() !== requestId || pdu.integer() !== 0) return undefined;
    pdu.integer();
    const variable = pdu.enter(SEQUENCE).enter(SEQUENCE);
    const oid = variable.oid();
    return { oid, integer: variable.isNext(INTEGER) ? variable.integer() : undefined };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

/** Whether an OID is in a column. */
export function isBelow(oid: readonly number[], column: readonly number[]): boolean {
  return oid.length > column.length && column.every((part, i) => oid[i] === part);
}

class Reader {
  #at = 0;

  constructor(readonly bytes: Uint8Array) {}

  #next(tag: number): Uint8Array {
    if (this.bytes[this.#at] !== tag) throw new RangeError(`Not tag ${tag} at ${this.#at}`);
    let length = this.bytes[this.#at + 1] ?? NaN;
    let start = this.#at + 2;
    if (length > 0x80 && length <= 0x82) {
      const octets = length - 0x80;
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + (this.bytes[start++] ?? NaN);
    }
    // Not a number where the bytes ended, longer where they will.
    if (!(start + length <= this.bytes.length)) throw new RangeError("Cut short");
    this.#at = start + length;
    return this.bytes.subarray(start, this.#at);
  }

  isNext(tag: number): boolean {
    return this.bytes[this.#at] === tag;
  }

  enter(tag: number): Reader {
    return new Reader(this.#next(tag));
  }

  skip(tag: number): void {
    this.#next(tag);
  }

  integer(): number {
    const content = this.#next(INTEGER);
    if (content.length === 0 || content.length > 4) throw new RangeError("No integer of 32 bits");
    return content.reduce((value, byte) => value << 8 | byte, content[0]! & 0x80 ? -1 : 0);
  }

  oid(): number[] {
    const content = this.#next(OBJECT_IDENTIFIER);
    const parts: number[] = [];
    let part = 0;
    for (const byte of content) {
      part = part * 128 + (byte & 0x7f);
      if (part > 0xffffffff) throw new RangeError("Part above 32 bits");
      if (byte & 0x80) continue;
      if (parts.length === 0) {
        parts.push(Math.min(2, Math.floor(part / 40)), part - 40 * Math.min(2, Math.floor(part / 40)));
      } else parts.push(part);
      part = 0;
    }
    return parts;
  }
}

function tlv(tag: number, content: readonly number[]): number[] {
  const { length } = content;
  return length < 0x80
    ? [tag, length, ...content]
    : length < 0x100
    ? [tag, 0x81, length, ...content]
    : [tag, 0x82, length >> 8, length & 0xff, ...content];
}

/** Of 0 or more, below 2^31. */
function integerBytes(value: number): number[] {
  const bytes = [value & 0xff];
  for (let rest = value >>> 8; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return bytes[0]! & 0x80 ? [0, ...bytes] : bytes;
}

function oidBytes([first, second, ...parts]: readonly number[]): number[] {
  return [
    first! * 40 + second!,
    ...parts.flatMap((part) => {
      const bytes = [part & 0x7f];
      for (let rest = Math.floor(part / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(rest % 128 | 0x80);
      return bytes;
    }),
  ];
}
