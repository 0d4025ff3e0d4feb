/** What the engine goes by beside its tables: `struct settings` of bpf/tables.h, in one buffer with one writer. */
import { ipToBytes } from "./addresses.ts";

/** VIPs of an array at most: each frame looks through them. */
export const MAX_VIPS = 16;

const MAGIC = 0x41424c44; // "DLBA" in the memory
const VERSION = 5;
const FIRST_EPOCH = 1;
/** Where a table's engine runs, by its number in the settings. */
const PLACES = ["none", "pcap", "xdp, native", "xdp, generic"] as const;
export type EnginePlace = typeof PLACES[number];

/** Of the bucket timeout the part by which a bucket's age may be too great. */
const STAMPS_A_TIMEOUT = 64;

/** Places of the words. */
const Word = {
  MAGIC: 0,
  VERSION: 1,
  SIZE: 2,
  ROWS: 3,
  EPOCH: 4,
  STAMP_EVERY: 5,
  ACTIVE_UNTIL: 6,
  BUCKET_TIMEOUT: 7,
  SELF: 8,
  NODES: 9,
  KEYED: 10,
  MEMBER_SEED: 11,
  HASH_KEY: 12,
  VIPS: 16,
  ENGINE: 17,
  CAPTURE_UNTIL: 18,
  CAPTURED: 19,
  FORWARD_UNTIL: 20,
  // Word 21 is none: the kernel's structure is a multiple of 8 bytes.
  VIP: 22,
} as const;

export class Settings {
  static readonly BYTES = (Word.VIP + MAX_VIPS * 4) * 4;
  #words: Uint32Array;
  #bytes: Uint8Array;

  constructor(buffer: ArrayBuffer, offset: number) {
    this.#words = new Uint32Array(buffer, offset, Settings.BYTES / 4);
    this.#bytes = new Uint8Array(buffer, offset, Settings.BYTES);
  }

  /** Whether these are settings of this version, of a table of this size. */
  fits(size: number, rows: number): boolean {
    const words = this.#words;
    return words[Word.MAGIC] === MAGIC && words[Word.VERSION] === VERSION && this.size === size && this.rows === rows;
  }

  /** Begins a new, empty table. */
  begin(size: number, rows: number): void {
    this.#words.fill(0);
    this.#words.set([MAGIC, VERSION, size, rows, FIRST_EPOCH]);
  }

  /** Buckets. */
  get size(): number {
    return this.#words[Word.SIZE]!;
  }

  /** Rows of {@linkcode Counts}. */
  get rows(): number {
    return this.#words[Word.ROWS]!;
  }

  /** Of the election; grows at each take-over. */
  get epoch(): number {
    return this.#words[Word.EPOCH]!;
  }

  set epoch(epoch: number) {
    this.#words[Word.EPOCH] = epoch;
  }

  /** Second of the boot clock until which VIPs are answered for and buckets assigned. */
  get activeUntil(): number {
    return this.#words[Word.ACTIVE_UNTIL]!;
  }

  /** Second of the boot clock until which frames go to the node that has their bucket. */
  get forwardUntil(): number {
    return this.#words[Word.FORWARD_UNTIL]!;
  }

  /** Answers for the VIPs until a second of the boot clock, and forwards for `grace` seconds more. */
  serveUntil(second: number, grace: number): void {
    this.#words[Word.FORWARD_UNTIL] = second + grace;
    this.#words[Word.ACTIVE_UNTIL] = second;
  }

  isActive(now: number): boolean {
    return ((now - this.#words[Word.ACTIVE_UNTIL]!) | 0) < 0;
  }

  isForwarding(now: number): boolean {
    return ((now - this.#words[Word.FORWARD_UNTIL]!) | 0) < 0;
  }

  /** It lost the VIPs, and forwards for a time what still comes to it. */
  isInGrace(now: number): boolean {
    return this.isForwarding(now) && !this.isActive(now);
  }

  /** Seconds. */
  get bucketTimeout(): number {
    return this.#words[Word.BUCKET_TIMEOUT]!;
  }

  set bucketTimeout(seconds: number) {
    this.#words[Word.BUCKET_TIMEOUT] = seconds;
    this.#words[Word.STAMP_EVERY] = Math.ceil(seconds / STAMPS_A_TIMEOUT);
  }

  /** Seconds after which a frame stamps its bucket anew: a bucket's age may be that less one too great. */
  get stampEvery(): number {
    return this.#words[Word.STAMP_EVERY]!;
  }

  /** The age from which on a bucket is idle for longer than the timeout, s. */
  get idleAge(): number {
    return this.bucketTimeout + this.stampEvery;
  }

  /** Server number of the node that these tables are on. */
  get self(): number {
    return this.#words[Word.SELF]!;
  }

  set self(node: number) {
    this.#words[Word.SELF] = node;
  }

  /** Highest server number + 1. */
  get nodes(): number {
    return this.#words[Word.NODES]!;
  }

  set nodes(count: number) {
    this.#words[Word.NODES] = count;
  }

  get memberSeed(): number {
    return this.#words[Word.MEMBER_SEED]!;
  }

  set memberSeed(seed: number) {
    this.#words[Word.MEMBER_SEED] = seed;
  }

  /** 16 bytes for SipHash; undefined where buckets go by the seed's sum. */
  get hashKey(): Uint8Array | undefined {
    return this.#words[Word.KEYED] ? this.#bytes.slice(Word.HASH_KEY * 4, Word.HASH_KEY * 4 + 16) : undefined;
  }

  set hashKey(key: Uint8Array | undefined) {
    this.#bytes.set(key ?? new Uint8Array(16), Word.HASH_KEY * 4);
    this.#words[Word.KEYED] = key ? 1 : 0;
  }

  /** Second of the boot clock until which frames are kept for {@linkcode CaptureRing}. */
  set captureUntil(second: number) {
    this.#words[Word.CAPTURE_UNTIL] = second;
  }

  isCapturing(now: number): boolean {
    return ((now - this.#words[Word.CAPTURE_UNTIL]!) | 0) < 0;
  }

  /** Frames kept so far, modulo 2^32. */
  get captured(): number {
    return this.#words[Word.CAPTURED]!;
  }

  set captured(count: number) {
    this.#words[Word.CAPTURED] = count;
  }

  get engine(): EnginePlace {
    return PLACES[this.#words[Word.ENGINE]!] ?? "none";
  }

  set engine(place: EnginePlace) {
    this.#words[Word.ENGINE] = PLACES.indexOf(place);
  }

  /** Of 16 bytes each; IPv4 as ::ffff:a.b.c.d. */
  get vips(): Uint8Array[] {
    return Array.from({ length: this.#words[Word.VIPS]! }, (_, i) => {
      const at = (Word.VIP + i * 4) * 4;
      return this.#bytes.slice(at, at + 16);
    });
  }

  /** @param vips as written */
  setVips(vips: readonly string[]): void {
    vips.forEach((vip, i) => this.#bytes.set(ipToBytes(vip), (Word.VIP + i * 4) * 4));
    this.#words[Word.VIPS] = vips.length;
  }
}
