/** Local or CDN: content stays while the array is lightly loaded, and moves when load rises. */

export class LoadGate {
  #toCdn = false;

  /** Requests a second of this node: below the first content stays, above the second it moves, between them all stays as it is. */
  constructor(readonly below: number, readonly above: number) {}

  get toCdn(): boolean {
    return this.#toCdn;
  }

  take(requestsPerSecond: number): void {
    if (requestsPerSecond > this.above) this.#toCdn = true;
    else if (requestsPerSecond < this.below) this.#toCdn = false;
  }
}
