/**
 * Who schedules, as this node knows it: `leadership.tables` of the run folder. The failover daemon writes it; the engine's process and the
 * status daemon read. All zero, as long as nobody wrote it, is epoch 0.
 */
import { Mapping } from "../../ffi/mapping.ts";
import { MAX_NODES } from "../scheduler/node_table.ts";

/** Its name in the run folder. */
export const LEADERSHIP_FILE = "leadership.tables";

/** Places of the cells, each a float64; the first holds the generation. */
const EPOCH = 1;
const SCHEDULER = 2;
const ACTIVE_UNTIL = 3;
const FILL_REQUEST = 4;
const ANNOUNCEMENTS = 5;
const FAILED = 6;
const CELLS = FAILED + MAX_NODES;

export interface LeadershipState {
  /** Of the election; 0 before the first. */
  readonly epoch: number;
  /** Server number of the node that schedules; undefined where none is known. */
  readonly scheduler: number | undefined;
  /** Second of the boot clock until which this node does; 0 where it does not. */
  readonly activeUntil: number;
  /** Grows when the engine is to give every bucket a node, so that the table changes no more: a hand-over. */
  readonly fillRequest: number;
  /** Grows when the VIPs, if they are this node's, are to be announced anew. */
  readonly announcements: number;
  /** Server numbers of those that the election found dead. */
  readonly failed: readonly number[];
}

export class Leadership {
  static readonly BYTES = CELLS * 8;
  #generation: Uint32Array;
  #cells: Float64Array;

  constructor(buffer: ArrayBuffer) {
    this.#generation = new Uint32Array(buffer, 0, 1);
    this.#cells = new Float64Array(buffer, 0, CELLS);
  }

  /** The node's, and the mapping that is to be closed. Throws UsageError where the run folder cannot be written. */
  static open(dir: string): { leadership: Leadership; mapping: Mapping } {
    const mapping = Mapping.create(`${dir}/${LEADERSHIP_FILE}`, Leadership.BYTES);
    return { leadership: new Leadership(mapping.buffer), mapping };
  }

  /** Grows with each {@linkcode publish}: a reader looks at this one word. Odd while one is under way. */
  get generation(): number {
    return Atomics.load(this.#generation, 0);
  }

  publish({ epoch, scheduler, activeUntil, fillRequest, announcements, failed }: LeadershipState): void {
    const cells = this.#cells;
    Atomics.add(this.#generation, 0, 1);
    cells[EPOCH] = epoch;
    cells[SCHEDULER] = scheduler === undefined ? 0 : scheduler + 1;
    cells[ACTIVE_UNTIL] = activeUntil;
    cells[FILL_REQUEST] = fillRequest;
    cells[ANNOUNCEMENTS] = announcements;
    cells.fill(0, FAILED);
    for (const node of failed) cells[FAILED + node] = 1;
    Atomics.add(this.#generation, 0, 1);
  }

  /** What was published last; undefined while that is being written. */
  read(): LeadershipState | undefined {
    const before = this.generation;
    const cells = this.#cells;
    const failed: number[] = [];
    for (let node = 0; node < MAX_NODES; node++) if (cells[FAILED + node] !== 0) failed.push(node);
    const scheduler = cells[SCHEDULER]!;
    const state = {
      epoch: cells[EPOCH]!,
      scheduler: scheduler === 0 ? undefined : scheduler - 1,
      activeUntil: cells[ACTIVE_UNTIL]!,
      fillRequest: cells[FILL_REQUEST]!,
      announcements: cells[ANNOUNCEMENTS]!,
      failed,
    };
    return before % 2 === 0 && this.generation === before ? state : undefined;
  }
}
