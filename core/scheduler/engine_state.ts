/** What the engine's process says of itself: `engine.tables` of the run folder. It writes, the failover daemon reads. */
import { Mapping } from "../../ffi/mapping.ts";

/** Its name in the run folder. */
export const ENGINE_STATE_FILE = "engine.tables";

const CELLS = { SEEN_AT: 0, FILLED: 1 } as const;

export class EngineState {
  static readonly BYTES = 2 * 8;
  #cells: Float64Array;

  constructor(buffer: ArrayBuffer) {
    this.#cells = new Float64Array(buffer, 0, 2);
  }

  /** The node's, and the mapping that is to be closed. Throws UsageError where the run folder cannot be written. */
  static open(dir: string): { engine: EngineState; mapping: Mapping } {
    const mapping = Mapping.create(`${dir}/${ENGINE_STATE_FILE}`, EngineState.BYTES);
    return { engine: new EngineState(mapping.buffer), mapping };
  }

  /** When its process looked after the tables last, ms of the boot clock. */
  get seenAt(): number {
    return this.#cells[CELLS.SEEN_AT]!;
  }

  set seenAt(ms: number) {
    this.#cells[CELLS.SEEN_AT] = ms;
  }

  /** The last `fillRequest` of the leadership that was done. */
  get filled(): number {
    return this.#cells[CELLS.FILLED]!;
  }

  set filled(request: number) {
    this.#cells[CELLS.FILLED] = request;
  }
}
