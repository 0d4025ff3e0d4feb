/**
 * The DLBA Server Status Table (seed fig. 5), by server number (the node's id, 0 to 255). Its columns have three sources:
 *
 * - the engine's process, from the config and what follows: MAC, weight, whether the node may hold buckets at all;
 * - the engine, in the kernel or not: IP groups assigned ({@linkcode NodeTable}), frames (`Counts`);
 * - the control process: failed, hits, open connections, average response time ({@linkcode NodeState}).
 */

/** Name of the file of the run folder that holds {@linkcode NodeState}. */
export const NODE_STATE_FILE = "node_state.tables";

/** Server numbers are 0 to 255. */
export const MAX_NODES = 256;

/** What the engine decides by: `struct node` of bpf/tables.h, 16 bytes a node. */
export class NodeTable {
  static readonly ROW_BYTES = 16;
  static readonly BYTES = MAX_NODES * NodeTable.ROW_BYTES;
  #weights: Uint32Array;
  #groups: Int32Array;
  #bytes: Uint8Array;

  constructor(buffer: ArrayBuffer, offset: number) {
    this.#weights = new Uint32Array(buffer, offset, MAX_NODES * 4);
    this.#groups = new Int32Array(buffer, offset, MAX_NODES * 4);
    this.#bytes = new Uint8Array(buffer, offset, NodeTable.BYTES);
  }

  /** Share of new buckets, as a whole number of any unit; 0 gets none. */
  weight(node: number): number {
    return this.#weights[node * 4]!;
  }

  setWeight(node: number, weight: number): void {
    this.#weights[node * 4] = weight;
  }

  /** Buckets assigned: the seed's "# IP Groups Assigned". */
  groups(node: number): number {
    return Atomics.load(this.#groups, node * 4 + 1);
  }

  /** Adds to the groups; the kernel may do so at the same time. */
  addGroups(node: number, count: number): void {
    Atomics.add(this.#groups, node * 4 + 1, count);
  }

  /** Octets of every MAC: those of a node from {@linkcode macAt} on. */
  get octets(): Uint8Array {
    return this.#bytes;
  }

  macAt(node: number): number {
    return node * NodeTable.ROW_BYTES + 8;
  }

  setMac(node: number, mac: Uint8Array): void {
    this.#bytes.set(mac, this.macAt(node));
  }

  /** Failed, disabled or not of the array: what it owns counts as unassigned. */
  isOut(node: number): boolean {
    return this.#bytes[node * NodeTable.ROW_BYTES + 14] !== 0;
  }

  setOut(node: number, out: boolean): void {
    this.#bytes[node * NodeTable.ROW_BYTES + 14] = out ? 1 : 0;
  }
}

/** What the control process knows of a node. */
export class NodeState {
  static readonly BYTES = 8 + MAX_NODES * 8 * 4;
  #generation: Uint32Array;
  #epoch: Uint32Array;
  /** 1 where the node counts as failed. */
  readonly failed: Float64Array;
  readonly hits: Float64Array;
  readonly openConnections: Float64Array;
  /** Average response time, ms. */
  readonly responseMs: Float64Array;

  constructor(buffer: ArrayBuffer, offset = 0) {
    this.#generation = new Uint32Array(buffer, offset, 1);
    this.#epoch = new Uint32Array(buffer, offset + 4, 1);
    const column = (index: number) => new Float64Array(buffer, offset + 8 + index * MAX_NODES * 8, MAX_NODES);
    this.failed = column(0);
    this.hits = column(1);
    this.openConnections = column(2);
    this.responseMs = column(3);
  }

  /** Grows with each change of `failed`: the engine looks at this one word. */
  get generation(): number {
    return Atomics.load(this.#generation, 0);
  }

  setFailed(node: number, failed: boolean): void {
    this.failed[node] = failed ? 1 : 0;
    Atomics.add(this.#generation, 0, 1);
  }

  /** Epoch in which it was found who has failed. */
  get epoch(): number {
    return this.#epoch[0]!;
  }

  /** Begins anew: these have failed, and nothing else is known. */
  begin(epoch: number, failed: readonly number[]): void {
    this.hits.fill(0);
    this.openConnections.fill(0);
    this.responseMs.fill(0);
    this.failed.fill(0);
    for (const node of failed) this.failed[node] = 1;
    this.#epoch[0] = epoch;
    Atomics.add(this.#generation, 0, 1);
  }
}
