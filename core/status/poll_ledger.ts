/** Which nodes answer for their status: pure book-keeping over poll results, by node id. */
export class PollLedger {
  #missed = new Map<number, number>();
  #failed = new Set<number>();

  /**
   * @param misses polls missed in a row after which a node counts as failed
   * @param failed nodes that a predecessor found failed: they are so until they answer
   */
  constructor(readonly misses: number, failed: readonly number[] = []) {
    for (const id of failed) {
      this.#failed.add(id);
      this.#missed.set(id, misses);
    }
  }

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
