/**
 * Messages as bytes, big-endian, of one fixed head and a body by kind. The whole is at most {@linkcode MAX_BYTES}; what is longer,
 * shorter, or says what no message says is refused.
 */
import { MAX_EPOCH } from "./epoch.ts";
import type { Membership } from "./membership.ts";
import type { Message } from "./messages.ts";

/** One octet says which node of {@linkcode ID_SET_BYTES} · 8. */
const ID_SET_BYTES = 32;
const NOBODY = 0xffff;
const KINDS = ["beat", "reply", "request", "grant", "refusal"] as const satisfies readonly Message["kind"][];
/** A beat: kind, epoch, flags, membership, heard, heir, table. */
export const MAX_BYTES = 1 + 4 + 1 + 8 + ID_SET_BYTES * 2 + 2 + 4;

export function encode(message: Message): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  out.byte(KINDS.indexOf(message.kind));
  out.word(message.epoch);
  switch (message.kind) {
    case "beat":
      out.byte((message.isQuorate ? 1 : 0) | (message.isFinal ? 2 : 0));
      writeMembership(out, message.membership);
      out.ids(message.heard);
      out.half(message.heir ?? NOBODY);
      out.word(message.table);
      break;
    case "reply":
      out.byte(message.isReady ? 1 : 0);
      out.word(message.followed);
      out.word(message.promised);
      out.word(message.accepted.epoch);
      out.word(message.accepted.sequence);
      break;
    case "request":
      writeMembership(out, message.membership);
      out.word(message.yielding);
      break;
    case "refusal":
      out.word(message.promised);
      writeMembership(out, message.membership);
  }
  return out.bytes();
}

/** What {@linkcode encode} made. Throws RangeError when it cannot be that. */
export function decode(bytes: Uint8Array): Message {
  const input = new Reader(bytes);
  const kind = KINDS[input.byte()];
  const epoch = input.word();
  const message = readBody(kind, epoch, input);
  input.end();
  return message;
}

function readBody(kind: Message["kind"] | undefined, epoch: number, input: Reader): Message {
  switch (kind) {
    case "beat": {
      const flags = input.byte();
      const membership = readMembership(input);
      const heard = input.ids();
      const heir = input.half();
      const table = input.word();
      if (heir !== NOBODY && heir > 255) throw new RangeError(`No node has the id ${heir}`);
      return {
        kind,
        epoch,
        isQuorate: (flags & 1) !== 0,
        isFinal: (flags & 2) !== 0,
        membership,
        heard,
        heir: heir === NOBODY ? undefined : heir,
        table,
      };
    }
    case "reply":
      return {
        kind,
        epoch,
        isReady: (input.byte() & 1) !== 0,
        followed: input.word(),
        promised: input.word(),
        accepted: { epoch: input.word(), sequence: input.word() },
      };
    case "request":
      return { kind, epoch, membership: readMembership(input), yielding: input.word() };
    case "grant":
      return { kind, epoch };
    case "refusal":
      return { kind, epoch, promised: input.word(), membership: readMembership(input) };
    default:
      throw new RangeError("No such kind of message");
  }
}

function writeMembership(out: Writer, { epoch, sequence, members }: Membership): void {
  out.word(epoch);
  out.word(sequence);
  out.ids(members);
}

function readMembership(input: Reader): Membership {
  return { epoch: input.word(), sequence: input.word(), members: input.ids() };
}

class Writer {
  #view = new DataView(new ArrayBuffer(MAX_BYTES));
  #length = 0;

  byte(value: number): void {
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
  }

  half(value: number): void {
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
  }

  word(value: number): void {
    if (value > MAX_EPOCH) throw new RangeError(`Cannot encode ${value}: it is above ${MAX_EPOCH}`);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  /** As one bit each. */
  ids(ids: readonly number[]): void {
    for (const id of ids) {
      const at = this.#length + (id >> 3);
      this.#view.setUint8(at, this.#view.getUint8(at) | 1 << (id & 7));
    }
    this.#length += ID_SET_BYTES;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#view.buffer, 0, this.#length);
  }
}

/** Every read past the end throws RangeError, as DataView does. */
class Reader {
  #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#view.getUint8(this.#at++);
  }

  half(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2);
  }

  word(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  ids(): number[] {
    const ids: number[] = [];
    for (let octet = 0; octet < ID_SET_BYTES; octet++) {
      const bits = this.byte();
      for (let bit = 0; bit < 8; bit++) if (bits >> bit & 1) ids.push(octet * 8 + bit);
    }
    return ids;
  }

  end(): void {
    if (this.#at !== this.#view.byteLength) throw new RangeError("The message is longer than its kind");
  }
}
