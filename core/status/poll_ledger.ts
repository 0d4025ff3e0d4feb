/** Which nodes answer for their status: pure book-keeping over poll results, by node id. */
export class PollLedger {
  #missed = new Map<number, number>();
  #failed = new Set<number>();

  /** @param misses polls missed in a row after which a node counts as failed */
  constructor(readonly misses: number) {}

  /** Takes the result of one poll; true when the node's state changed by it. */
  record(id: number, answered: boolean): boolean {
    const missed = answered ? 0 : (this.#missed.get(id) ?? 0) + 1;
    this.#missed.set(id, missed);
    const failed = missed >= this.misses;
    if (failed === this.#failed.has(id)) return false;
    if (failed) this.#failed.add(id);
    else this.#failed.delete(id);
    return true;
  }

  hasFailed(id: number): boolean {
    return this.#failed.has(id);
  }
}
