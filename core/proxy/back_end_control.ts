/**
 * What the control process found out about back ends, a row each in the config's order, and then which nodes have failed: the proxy
 * processes of the node read it, so that none of them waits for a check. One mapped file a node, one writer.
 */
import type { Config } from "../config/schema.ts";
import { MAX_NODES } from "../scheduler/node_table.ts";
import { layoutOf } from "./back_end_table.ts";

export const BACK_END_CONTROL_FILE = "back_ends.control";

/** Columns, each a float64. 0 everywhere is: nothing is known. */
const CHECK = 0;
const FRACTION = 1;
const ADDRESS = 2;
const COLUMNS = 4;
/** The first row. */
const LAYOUT = 0;

const UP = 1;
const DOWN = 2;

export class BackEndControl {
  #cells: Float64Array;
  #layout: number;

  /** @param buffer {@linkcode BackEndControl.bytes} long */
  constructor(buffer: ArrayBuffer, config: Config) {
    this.#cells = new Float64Array(buffer);
    this.#layout = layoutOf(config);
  }

  static bytes(config: Config): number {
    return (1 + config.pools.reduce((sum, pool) => sum + pool.back_ends.length, 0)) * COLUMNS * 8 + MAX_NODES * 8;
  }

  get #failed(): Float64Array {
    return this.#cells.subarray(this.#cells.length - MAX_NODES);
  }

  /** Server numbers of nodes that have failed: all. */
  setFailed(nodes: readonly number[]): void {
    const failed = this.#failed;
    for (let node = 0; node < MAX_NODES; node++) failed[node] = nodes.includes(node) ? 1 : 0;
  }

  hasFailed(node: number): boolean {
    return this.#isMine && this.#failed[node] === 1;
  }

  /** For the writer: what was found out under another config is forgotten. */
  begin(): void {
    if (this.#isMine) return;
    this.#cells.fill(0);
    this.#cells[LAYOUT] = this.#layout;
  }

  get #isMine(): boolean {
    return this.#cells[LAYOUT] === this.#layout;
  }

  setUp(row: number, isUp: boolean): void {
    this.#cells[(row + 1) * COLUMNS + CHECK] = isUp ? UP : DOWN;
  }

  /** Its checks fail. False as long as nothing is known. */
  isDown(row: number): boolean {
    return this.#isMine && this.#cells[(row + 1) * COLUMNS + CHECK] === DOWN;
  }

  /** @param fraction of its weight that its machine bears, above 0 and at most 1 */
  setFraction(row: number, fraction: number): void {
    this.#cells[(row + 1) * COLUMNS + FRACTION] = fraction;
  }

  /** 1 as long as nothing is known. */
  fraction(row: number): number {
    const fraction = this.#isMine ? this.#cells[(row + 1) * COLUMNS + FRACTION]! : 0;
    return fraction > 0 && fraction <= 1 ? fraction : 1;
  }

  /** @param address IPv4 as a number */
  setAddress(row: number, address: number): void {
    this.#cells[(row + 1) * COLUMNS + ADDRESS] = address + 1;
  }

  /** Undefined as long as the name was not resolved. */
  address(row: number): number | undefined {
    const cell = this.#isMine ? this.#cells[(row + 1) * COLUMNS + ADDRESS]! : 0;
    return cell >= 1 && cell <= 2 ** 32 ? cell - 1 : undefined;
  }
}
