/**
 * The scheduler's decision for one frame: which node gets it (seed, "DLBA Scheduler Architecture"). Pure: bytes and a clock
 * in, a verdict and a rewritten frame out. bpf/dlba.bpf.c decides the same in the kernel, by the same tables.
 */
import { answerArp, asksByArp } from "./arp.ts";
import { fewestGroups } from "./assignment.ts";
import { UNASSIGNED } from "./bucket_table.ts";
import { ClientBuckets } from "./client_buckets.ts";
import { FrameReader } from "./frame.ts";
import { answerNd, asksByNd } from "./nd.ts";
import type { SchedulerTables } from "./tables.ts";
import { Verdict } from "./verdicts.ts";

export class Scheduler {
  readonly reader: FrameReader;
  #tables: SchedulerTables;
  #self: number;
  #nodes!: number;
  #idleAge!: number;
  #stampEvery!: number;
  #memberSeed!: number;
  #clients: ClientBuckets;

  /** @param tables configured: what the settings say is taken now */
  constructor(tables: SchedulerTables) {
    const { settings, services } = tables;
    this.#tables = tables;
    this.reader = new FrameReader(settings.vips, services);
    this.#self = settings.self;
    this.#clients = new ClientBuckets(tables.buckets.size, settings.hashKey);
    this.configure();
  }

  /** Takes what the settings say now; what cannot change while it runs it has taken. */
  configure(): void {
    const { settings } = this.#tables;
    this.#nodes = settings.nodes;
    this.#idleAge = settings.idleAge;
    this.#stampEvery = settings.stampEvery;
    this.#memberSeed = settings.memberSeed;
  }

  /**
   * Decides on a frame of `length` bytes from `start` on and counts the verdict. Its MACs are those to send it with (FORWARDED, ANSWERED) or to
   * hand it to the own stack with (SELF, PING); otherwise the frame is left.
   * @param now seconds of the boot clock
   */
  schedule(frame: Uint8Array, length: number, now: number, start = 0): Verdict {
    const verdict = this.#decide(frame, length, now, start);
    const { counts, settings, captures } = this.#tables;
    counts.addVerdict(verdict);
    if (settings.isCapturing(now)) captures.keep(verdict, frame, start, length);
    return verdict;
  }

  /** The bucket of a client, whose address of 4 or 16 bytes stands at `at`. */
  bucketOf(frame: Uint8Array, at: number, addressBytes: number, port: number): number {
    return this.#clients.of(frame, at, addressBytes, port);
  }

  #decide(frame: Uint8Array, length: number, now: number, start: number): Verdict {
    const reader = this.reader;
    const verdict = reader.read(frame, length, start);
    if (verdict === Verdict.NEIGHBOUR) return this.#answer(frame, start + length, now, start);
    if (verdict !== Verdict.FORWARDED && verdict !== Verdict.PING && verdict !== Verdict.FRAGMENT) return verdict;
    if (!this.#isMacOf(this.#self, frame, start)) return Verdict.OTHER_MAC;
    // One hop: bounced between two schedulers a frame would live for ever, since no TTL is counted down.
    if (this.#sentByMember(frame, start + 6)) return Verdict.ALREADY_SCHEDULED;
    const { counts, fragments, nodes, settings } = this.#tables;
    if (!settings.isForwarding(now)) return Verdict.NOT_ACTIVE;
    let node = this.#self;
    if (verdict === Verdict.FRAGMENT) node = fragments.node(reader.fragmentSlot, reader.fragmentTag, now);
    else if (verdict === Verdict.FORWARDED) node = this.#nodeOfClient(frame, now);
    if (node === UNASSIGNED || (nodes.isOut(node) && verdict !== Verdict.PING)) {
      if (verdict === Verdict.FRAGMENT) return Verdict.FRAGMENT;
      return settings.isActive(now) ? Verdict.NO_NODE : Verdict.NOT_ACTIVE;
    }
    if (reader.fragmentTag !== 0 && verdict !== Verdict.FRAGMENT) {
      fragments.remember(reader.fragmentSlot, reader.fragmentTag, node, now);
    }
    // From here on it is a member's, so that the kernel guard passes it and no other scheduler takes it.
    this.#writeMac(frame, start + 6, this.#self);
    if (verdict === Verdict.PING) return Verdict.PING;
    counts.addFrame(node);
    if (node === this.#self) return Verdict.SELF;
    this.#writeMac(frame, start, node);
    return Verdict.FORWARDED;
  }

  #nodeOfClient(frame: Uint8Array, now: number): number {
    const { buckets, nodes, settings } = this.#tables;
    const { clientAt, clientBytes, clientPort } = this.reader;
    const bucket = this.bucketOf(frame, clientAt, clientBytes, clientPort);
    let owner = buckets.node(bucket);
    const isLive = owner !== UNASSIGNED && !nodes.isOut(owner);
    // Only what opens a connection moves an idle bucket: another frame may belong to a connection that was silent for long.
    const age = buckets.age(bucket, now);
    const isIdle = this.reader.opens && age >= this.#idleAge;
    if (!isLive || isIdle) {
      if (settings.isActive(now)) owner = this.#assign(bucket, owner, isLive, now);
      else if (!isLive) return UNASSIGNED;
    }
    if (owner !== UNASSIGNED && age >= this.#stampEvery) buckets.touch(bucket, now);
    return owner;
  }

  /** The bucket's new owner; where no node can be had it keeps a live one. */
  #assign(bucket: number, owner: number, isLive: boolean, now: number): number {
    const { buckets, nodes } = this.#tables;
    const best = fewestGroups(nodes, this.#nodes);
    if (best === UNASSIGNED) return isLive ? owner : UNASSIGNED;
    buckets.setNode(bucket, best);
    buckets.touch(bucket, now);
    nodes.addGroups(best, 1);
    if (owner !== UNASSIGNED) nodes.addGroups(owner, -1);
    return best;
  }

  /** Makes a question for a VIP's MAC the answer to it, as long as this node answers for the VIPs. */
  #answer(frame: Uint8Array, limit: number, now: number, start: number): Verdict {
    const { nodes, settings } = this.#tables;
    const { network, end } = this.reader;
    // Members ask too: who wants to schedule looks for a rival first.
    if (!settings.isActive(now) || this.#isMacOf(this.#self, frame, start + 6)) return Verdict.NEIGHBOUR;
    const isArp = end === 0;
    const asks = isArp ? asksByArp : asksByNd;
    if (!asks(frame, limit, network, this.reader)) return Verdict.NEIGHBOUR;
    const answer = isArp ? answerArp : answerNd;
    answer(frame, network, nodes.octets, nodes.macAt(this.#self));
    for (let octet = 0; octet < 6; octet++) frame[start + octet] = frame[start + 6 + octet]!;
    this.#writeMac(frame, start + 6, this.#self);
    return Verdict.ANSWERED;
  }

  #sentByMember(frame: Uint8Array, at: number): boolean {
    const node = this.#tables.members.candidate(frame, at, this.#memberSeed);
    return node >= 0 && this.#isMacOf(node, frame, at);
  }

  #isMacOf(node: number, frame: Uint8Array, at: number): boolean {
    const { octets } = this.#tables.nodes;
    const mac = this.#tables.nodes.macAt(node);
    // From the last octet: MACs of one array tend to share the first ones.
    let octet = 5;
    while (octet >= 0 && frame[at + octet] === octets[mac + octet]) octet--;
    return octet < 0;
  }

  #writeMac(frame: Uint8Array, at: number, node: number): void {
    const { octets } = this.#tables.nodes;
    const mac = this.#tables.nodes.macAt(node);
    // Without a loop, which takes twice as long.
    frame[at] = octets[mac]!;
    frame[at + 1] = octets[mac + 1]!;
    frame[at + 2] = octets[mac + 2]!;
    frame[at + 3] = octets[mac + 3]!;
    frame[at + 4] = octets[mac + 4]!;
    frame[at + 5] = octets[mac + 5]!;
  }
}
