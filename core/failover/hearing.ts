/** Which nodes a node hears, by its pings. Of a node that was not pinged since the last {@linkcode Hearing.forget} nothing is known. */
export class Hearing {
  #missed = new Map<number, number>();

  /** @param misses in a row find a node dead */
  constructor(readonly misses: number) {}

  record(node: number, missed: number): void {
    this.#missed.set(node, missed);
  }

  forget(): void {
    this.#missed.clear();
  }

  isDead(node: number): boolean {
    return (this.#missed.get(node) ?? 0) >= this.misses;
  }

  hears(node: number): boolean {
    return (this.#missed.get(node) ?? this.misses) < this.misses;
  }
}
