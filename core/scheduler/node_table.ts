/**
 * The DLBA Server Status Table (seed fig. 5), by server number (the node's id, 0 to 255). Its columns have three sources:
 *
 * - the config: MAC, physical address, enabled, weight;
 * - the engine: IP groups assigned, frames ({@linkcode NodeCounts});
 * - the control process: failed, hits, open connections, average response time ({@linkcode NodeState}).
 *
 * The last two are flat arrays over shared memory, each with one writer.
 */

/** Name of the file of the run folder that holds {@linkcode NodeState}. */
export const NODE_STATE_FILE = "node_state.tables";

/** Server numbers are 0 to 255. */
export const MAX_NODES = 256;

/** What the engine counts a node. */
export class NodeCounts {
  static readonly BYTES = MAX_NODES * 8 * 2;
  /** Buckets assigned: the seed's "# IP Groups Assigned". */
  readonly ipGroups: Float64Array;
  /** Frames handed to the node. */
  readonly frames: Float64Array;

  constructor(buffer: ArrayBuffer, offset: number) {
    this.ipGroups = new Float64Array(buffer, offset, MAX_NODES);
    this.frames = new Float64Array(buffer, offset + MAX_NODES * 8, MAX_NODES);
  }
}

/** What the control process knows of a node. */
export class NodeState {
  static readonly BYTES = 8 + MAX_NODES * 8 * 4;
  #generation: Uint32Array;
  /** 1 where the node counts as failed. */
  readonly failed: Float64Array;
  readonly hits: Float64Array;
  readonly openConnections: Float64Array;
  /** Average response time, ms. */
  readonly responseMs: Float64Array;

  constructor(buffer: ArrayBuffer, offset = 0) {
    this.#generation = new Uint32Array(buffer, offset, 1);
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
}
