/**
 * Authenticated datagrams between failover daemons. Each holds, big-endian:
 *
 *     version u8 | sender u8 | receiver u8 | sender's boot f64 | receiver's boot f64 | number f64 | message | HMAC-SHA-256, 16 bytes
 *
 * A boot is a number that grows each time that a daemon starts. A message counts only when it names the receiver's present boot, so that
 * nothing recorded before the receiver started is taken, and only when its boot and number are above all that were taken from that
 * sender, so that nothing is taken twice. Who names another boot is told the right one by a message without content, a greeting.
 */
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { MAX_BYTES } from "./codec.ts";

const VERSION = 1;
const HEAD_BYTES = 1 + 1 + 1 + 8 + 8 + 8;
/** RFC 2104 section 5: not less than half of the hash's output. */
const TAG_BYTES = 16;
export const OVERHEAD_BYTES = HEAD_BYTES + TAG_BYTES;
/** What is longer is no message, and not worth the time that its tag would take. */
const MAX_DATAGRAM_BYTES = OVERHEAD_BYTES + MAX_BYTES;
export const KEY_BYTES = 32;

interface Peer {
  /** The highest heard of; named to it in return. */
  boot: number;
  /** Of the boot whose messages were taken. */
  takenBoot: number;
  taken: number;
}

export interface Opened {
  readonly from: number;
  /** Undefined in a greeting, or where the sender does not know this node's boot. */
  readonly content: Uint8Array | undefined;
  /** It must be greeted, so that the next one counts. */
  readonly wantsGreeting: boolean;
}

export class Envelopes {
  #self: number;
  #boot: number;
  #key: Uint8Array;
  /** Of the secret's generation before; sealed by no longer. */
  #previousKey: Uint8Array | undefined;
  #peers: ReadonlyMap<number, Peer>;
  #number = 0;

  /** @param peers ids of the others; @param keys of {@linkcode KEY_BYTES}: the present one and maybe the one before */
  constructor(
    self: number,
    boot: number,
    peers: readonly number[],
    keys: { readonly current: Uint8Array; readonly previous: Uint8Array | undefined },
  ) {
    this.#self = self;
    this.#boot = boot;
    this.#key = keys.current;
    this.#previousKey = keys.previous;
    this.#peers = new Map(peers.map((id) => [id, { boot: 0, takenBoot: 0, taken: -1 }]));
  }

  /** Whether the node's boot is known, so that what is sent to it counts. */
  knows(node: number): boolean {
    return this.#peers.get(node)!.boot > 0;
  }

  /** A datagram; without content it is a greeting. */
  seal(to: number, content: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(OVERHEAD_BYTES + content.length);
    const view = new DataView(bytes.buffer);
    bytes.set([VERSION, this.#self, to]);
    view.setFloat64(3, this.#boot);
    view.setFloat64(11, this.#peers.get(to)!.boot);
    view.setFloat64(19, this.#number++);
    bytes.set(content, HEAD_BYTES);
    const end = bytes.length - TAG_BYTES;
    bytes.set(tagOf(this.#key, bytes.subarray(0, end)), end);
    return bytes;
  }

  /** Undefined when it is not for this node, not by a node of the array, or was taken already. */
  open(bytes: Uint8Array): Opened | undefined {
    if (bytes.length < OVERHEAD_BYTES || bytes.length > MAX_DATAGRAM_BYTES) return undefined;
    if (bytes[0] !== VERSION || bytes[2] !== this.#self) return undefined;
    const from = bytes[1]!;
    const peer = this.#peers.get(from);
    if (!peer || !this.#isAuthentic(bytes)) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const boot = view.getFloat64(3), receiverBoot = view.getFloat64(11), number = view.getFloat64(19);
    if (boot < peer.boot) return undefined;
    peer.boot = boot;
    if (receiverBoot !== this.#boot) return { from, content: undefined, wantsGreeting: true };
    if (boot < peer.takenBoot || (boot === peer.takenBoot && number <= peer.taken)) return undefined;
    peer.takenBoot = boot;
    peer.taken = number;
    const content = bytes.subarray(HEAD_BYTES, bytes.length - TAG_BYTES);
    return { from, content: content.length > 0 ? content : undefined, wantsGreeting: false };
  }

  #isAuthentic(bytes: Uint8Array): boolean {
    const end = bytes.length - TAG_BYTES;
    const said = bytes.subarray(end), signed = bytes.subarray(0, end);
    const fits = (key: Uint8Array) => timingSafeEqual(tagOf(key, signed), said);
    return fits(this.#key) || (this.#previousKey !== undefined && fits(this.#previousKey));
  }
}

function tagOf(key: Uint8Array, bytes: Uint8Array): Buffer {
  return createHmac("sha256", key).update(bytes).digest().subarray(0, TAG_BYTES);
}
