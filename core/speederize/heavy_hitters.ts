/**
 * The most frequent keys of a stream in constant memory: Space-Saving (Metwally, Agrawal, El Abbadi 2005). A key that is new takes the
 * place of the one with the fewest hits and inherits them as its error, so that no key of more than 1/capacity of the stream is missed.
 */

export interface Hitter<T> {
  readonly key: string;
  /** Real hits lie between `hits - error` and `hits`. */
  hits: number;
  error: number;
  /** What was noted with its hits since it is counted. */
  readonly notes: T;
}

export class HeavyHitters<T> {
  /** A heap: the fewest hits first. */
  #heap: Hitter<T>[] = [];
  #places = new Map<string, number>();

  constructor(readonly capacity: number, readonly newNotes: () => T) {}

  /** Counts a hit and gives the key's notes. */
  hit(key: string): T {
    const place = this.#places.get(key);
    if (place !== undefined) {
      const hitter = this.#heap[place]!;
      hitter.hits++;
      this.#sink(place);
      return hitter.notes;
    }
    const isFull = this.#heap.length === this.capacity;
    const least = isFull ? this.#heap[0]! : undefined;
    const error = least?.hits ?? 0;
    const hitter = { key, hits: error + 1, error, notes: this.newNotes() };
    if (least) {
      this.#places.delete(least.key);
      this.#put(hitter, 0);
      this.#sink(0);
    } else {
      this.#put(hitter, this.#heap.length);
      this.#rise(this.#heap.length - 1);
    }
    return hitter.notes;
  }

  all(): readonly Hitter<T>[] {
    return this.#heap;
  }

  #put(hitter: Hitter<T>, place: number): void {
    this.#heap[place] = hitter;
    this.#places.set(hitter.key, place);
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a]!, this.#heap[b]!];
    this.#put(second, a);
    this.#put(first, b);
  }

  #rise(place: number): void {
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#heap[parent]!.hits <= this.#heap[place]!.hits) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  #sink(place: number): void {
    const { length } = this.#heap;
    while (true) {
      let least = place;
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < length && this.#heap[child]!.hits < this.#heap[least]!.hits) least = child;
      }
      if (least === place) return;
      this.#swap(place, least);
      place = least;
    }
  }
}
