/**
 * What the control process found out about back ends, a row each in the config's order, and then which nodes have failed: the proxy
 * processes of the node read it, so that none of them waits for a check. One mapped file a node, one writer.
 */
import type { Config } from "../config/schema.ts";
import { MAX_NODES } from "../scheduler/node_table.ts";
import { layoutOf, rowNames } from "./back_end_table.ts";

/** In the run folder: a file for each list of back ends, since its writer and its readers do not change over at one moment. */
export function backEndControlFile(config: Config): string {
  return `back_ends-${(layoutOf(config) - 1).toString(16).padStart(8, "0")}.control`;
}

/** Columns, each a float64. 0 everywhere is: nothing is known. */
const CHECK = 0;
const FRACTION = 1;
const ADDRESS = 2;
const COLUMNS = 4;
/** The first row. */
const LAYOUT = 0;
/** Beside the rows of back ends: the first one, and one for those that have left the config, of which nothing is known. */
const MORE_ROWS = 2;

const UP = 1;
const DOWN = 2;

export class BackEndControl {
  #cells!: Float64Array;
  #layout!: number;
  #names!: readonly string[];

  /** @param buffer {@linkcode BackEndControl.bytes} long */
  constructor(buffer: ArrayBuffer, config: Config) {
    this.moveTo(buffer, config);
  }

  /** For a reader: from now on it is in another file, whose rows are this config's. */
  moveTo(buffer: ArrayBuffer, config: Config): void {
    this.#cells = new Float64Array(buffer);
    this.#layout = layoutOf(config);
    this.#names = rowNames(config);
  }

  static bytes(config: Config): number {
    return (MORE_ROWS + rowNames(config).length) * COLUMNS * 8 + MAX_NODES * 8;
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
    return this.isBegun && this.#failed[node] === 1;
  }

  /**
   * For the writer.
   * @param before what was found out under another config: of back ends that stay it still holds; that file is given up, so that it is
   * not taken for news when such a config comes back
   */
  begin(before?: BackEndControl): void {
    if (this.isBegun) return;
    this.#cells.fill(0);
    if (before?.isBegun) this.#take(before);
    this.#cells[LAYOUT] = this.#layout;
    if (before) before.#cells[LAYOUT] = 0;
  }

  #take(before: BackEndControl): void {
    this.#failed.set(before.#failed);
    this.#names.forEach((name, row) => {
      const from = before.#names.indexOf(name);
      if (from < 0) return;
      const cells = before.#cells.subarray((from + 1) * COLUMNS, (from + 2) * COLUMNS);
      this.#cells.set(cells, (row + 1) * COLUMNS);
    });
  }

  /** Its writer is there: until then nothing is known. */
  get isBegun(): boolean {
    return this.#cells[LAYOUT] === this.#layout;
  }

  setUp(row: number, isUp: boolean): void {
    this.#cells[(row + 1) * COLUMNS + CHECK] = isUp ? UP : DOWN;
  }

  /** Its checks fail. False as long as nothing is known. */
  isDown(row: number): boolean {
    return this.isBegun && this.#cells[(row + 1) * COLUMNS + CHECK] === DOWN;
  }

  /** @param fraction of its weight that its machine bears, above 0 and at most 1 */
  setFraction(row: number, fraction: number): void {
    this.#cells[(row + 1) * COLUMNS + FRACTION] = fraction;
  }

  /** 1 as long as nothing is known. */
  fraction(row: number): number {
    const fraction = this.isBegun ? this.#cells[(row + 1) * COLUMNS + FRACTION]! : 0;
    return fraction > 0 && fraction <= 1 ? fraction : 1;
  }

  /** @param address IPv4 as a number */
  setAddress(row: number, address: number): void {
    this.#cells[(row + 1) * COLUMNS + ADDRESS] = address + 1;
  }

  /** Undefined as long as the name was not resolved. */
  address(row: number): number | undefined {
    const cell = this.isBegun ? this.#cells[(row + 1) * COLUMNS + ADDRESS]! : 0;
    return cell >= 1 && cell <= 2 ** 32 ? cell - 1 : undefined;
  }
}
