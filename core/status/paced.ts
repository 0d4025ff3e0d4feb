/** What is costly to make is made again only when its making took at most a fifth of the time: whoever asks without pause cannot stop its maker. */
export class Paced<T> {
  #make: () => T;
  #now: () => number;
  #last: T | undefined;
  #freshUntil = -Infinity;

  /** @param now ms */
  constructor(make: () => T, now: () => number = () => performance.now()) {
    this.#make = make;
    this.#now = now;
  }

  get(): T {
    const began = this.#now();
    if (this.#last !== undefined && began < this.#freshUntil) return this.#last;
    this.#last = this.#make();
    const ended = this.#now();
    this.#freshUntil = ended + (ended - began) * 4;
    return this.#last;
  }
}
