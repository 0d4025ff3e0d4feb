/**
 * Learned sessions of this node and of the others: what this process sees is in its own table at once and told to every other node
 * before the client hears of it; what others tell is read by the node's first process, into a table of its own. Every process looks in all.
 * The first process also asks the others, when it begins, for what they know, and tells them when they ask.
 */
import { bindDatagrams, sendDatagram } from "../../../ffi/datagram.ts";
import { strerror } from "../../../ffi/errno.ts";
import { Mapping } from "../../../ffi/mapping.ts";
import { close, receive, socketAddressBytes } from "../../../ffi/socket.ts";
import type { Config, NodeConfig } from "../../config/schema.ts";
import { UsageError } from "../../errors.ts";
import type { ArraySecret } from "../../secrets/array_secret.ts";
import type { EventLoop, Watched } from "../loop.ts";
import { Asking } from "./asking.ts";
import {
  decodeLearned,
  encodeLearned,
  encodeQuestion,
  type LearnedEntry,
  MEMORY,
  MOST_BYTES,
  NEWS,
  QUESTION,
} from "./learn_message.ts";
import { LearnedSessions, type SessionHash, sessionHash } from "./learned_sessions.ts";
import { Telling } from "./telling.ts";

const ID_LABEL = "learned session ids";
const CHANNEL_LABEL = "learned sessions channel";
const KEY_BYTES = 32;
/** Datagrams read in a turn: the rest in the next one. */
const READS_A_TURN = 256;
const FILE = /^sessions-(?:\d+|others)\.table$/;

export interface LearningOptions {
  readonly dir: string;
  readonly config: Config;
  readonly node: NodeConfig;
  readonly worker: number;
  readonly secret: ArraySecret;
}

export class Learning implements Watched {
  #idKey: Uint8Array;
  #channelKeys: readonly Uint8Array[];
  #own: LearnedSessions;
  #others: LearnedSessions | undefined;
  /** Of all processes of this node, by file. */
  #tables = new Map<string, LearnedSessions>();
  #mappings: Mapping[] = [];
  /** The other nodes, by server number. */
  #peers: ReadonlyMap<number, Uint8Array<ArrayBuffer>> = new Map();
  /** Nodes that are being told all. */
  #told = new Map<number, Telling>();
  #asking: Asking | undefined;
  #fd: number;
  #loop: EventLoop | undefined;
  #buffer = new Uint8Array(MOST_BYTES + 1);
  /** Datagrams that no node of the array made. */
  refused = 0;

  /** Throws UsageError where the port cannot be opened. */
  constructor(readonly options: LearningOptions) {
    const { config, node, worker, secret } = options;
    this.#idKey = secret.derive(ID_LABEL, KEY_BYTES);
    const previous = secret.derivePrevious(CHANNEL_LABEL, KEY_BYTES);
    this.#channelKeys = [secret.derive(CHANNEL_LABEL, KEY_BYTES), ...(previous ? [previous] : [])];
    this.#own = this.#create(`sessions-${worker}.table`);
    const port = config.control.status_port;
    this.tellNodesOf(config);
    if (worker === 0) this.#others = this.#create("sessions-others.table");
    this.#fd = bindDatagrams(node.address.address, worker === 0 ? port : 0);
    if (this.#fd < 0) {
      throw new UsageError(`Cannot receive on UDP port ${port} of ${node.address.address}: ${strerror(-this.#fd)}`);
    }
    this.lookForTables();
  }

  /** From now on the nodes of this config are told. */
  tellNodesOf({ nodes, control }: Config): void {
    this.#peers = new Map(
      nodes.filter(({ id, enabled }) => id !== this.options.node.id && enabled)
        .map(({ id, address }) => [id, socketAddressBytes(address.address, control.status_port)]),
    );
  }

  #create(name: string): LearnedSessions {
    const { dir, config } = this.options;
    const sessions = Math.max(...config.pools.map((pool) => pool.persistence?.session_id?.sessions ?? 0));
    const mapping = Mapping.create(`${dir}/${name}`, LearnedSessions.bytes(sessions));
    this.#mappings.push(mapping);
    const table = new LearnedSessions(mapping.buffer);
    this.#tables.set(name, table);
    return table;
  }

  /** Listens to the other nodes. */
  watch(loop: EventLoop): void {
    this.#loop = loop;
    loop.watch(this.#fd, this);
    if (this.#others === undefined || this.#peers.size === 0) return;
    const question = encodeQuestion(this.#channelKeys[0]!, this.options.node.id);
    this.#asking = new Asking(loop, () => this.#tellAll(question));
  }

  /** Takes in tables of processes that began after this one; to be called now and then. */
  lookForTables(): void {
    const { dir } = this.options;
    for (const { name } of Deno.readDirSync(dir)) {
      if (!FILE.test(name) || this.#tables.has(name)) continue;
      const mapping = Mapping.open(`${dir}/${name}`);
      this.#mappings.push(mapping);
      this.#tables.set(name, new LearnedSessions(mapping.buffer));
    }
  }

  /** Key of the back end that made the id; undefined where nobody saw it. */
  find(pool: string, id: string): number | undefined {
    return this.#find(sessionHash(this.#idKey, pool, id));
  }

  #find(hash: SessionHash): number | undefined {
    for (const table of this.#tables.values()) {
      const key = table.find(hash);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  /** A back end gave out the id: from now on every node knows. */
  learn(pool: string, id: string, key: number): void {
    const hash = sessionHash(this.#idKey, pool, id);
    if (this.#own.find(hash) === key) return;
    this.#own.learn(hash, key);
    this.#tellAll(encodeLearned(this.#channelKeys[0]!, { kind: NEWS, entries: [{ hash, key }] }));
  }

  /** What the system does not take now is lost: the id is then found by its hash alone. */
  #tellAll(message: Uint8Array<ArrayBuffer>): void {
    for (const peer of this.#peers.values()) sendDatagram(this.#fd, message, peer);
  }

  onEvent(): void {
    for (let reads = 0; reads < READS_A_TURN; reads++) {
      const count = receive(this.#fd, this.#buffer, this.#buffer.length);
      if (count < 0) return;
      const message = decodeLearned(this.#channelKeys, this.#buffer.subarray(0, count));
      if (message === undefined) this.refused++;
      else if (message.kind === QUESTION) this.#tell(message.entries[0]!.key);
      else this.#hear(message.kind, message.entries);
    }
    this.#loop!.again(this);
  }

  #hear(kind: number, entries: readonly LearnedEntry[]): void {
    if (kind === MEMORY) this.#asking?.stop();
    for (const { hash, key } of entries) {
      if (kind === NEWS || this.#find(hash) === undefined) this.#others?.learn(hash, key);
    }
  }

  /** All that this node knows. One that is being told asks in vain. */
  #tell(node: number): void {
    const peer = this.#peers.get(node);
    if (peer === undefined || this.#told.has(node)) return;
    const send = (entries: readonly LearnedEntry[]) =>
      sendDatagram(this.#fd, encodeLearned(this.#channelKeys[0]!, { kind: MEMORY, entries }), peer);
    const telling = new Telling(
      this.#loop!,
      entriesOf([...this.#tables.values()]),
      send,
      () => this.#told.delete(node),
    );
    this.#told.set(node, telling);
    telling.onTimeout();
  }

  onTurn(): void {
    this.onEvent();
  }

  onDefect(error: unknown): void {
    console.error("serve: learned sessions:", error);
  }

  close(): void {
    this.#asking?.stop();
    for (const telling of [...this.#told.values()]) telling.stop();
    this.#loop?.forget(this.#fd);
    close(this.#fd);
    for (const mapping of this.#mappings) mapping.close();
  }
}

function* entriesOf(tables: readonly LearnedSessions[]): Generator<LearnedEntry> {
  for (const table of tables) yield* table.entries();
}
