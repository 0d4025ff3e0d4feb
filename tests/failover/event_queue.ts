/** What happens when: a binary heap, in the order of time and, within it, of insertion. */
interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventQueue {
  #heap: Entry[] = [];
  #order = 0;
  now = 0;

  after(ms: number, run: () => void): void {
    const entry = { at: this.now + ms, order: this.#order++, run };
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, this.#heap[parent]!)) break;
      this.#heap[index] = this.#heap[parent]!;
      index = parent;
    }
    this.#heap[index] = entry;
  }

  runUntil(end: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= end) {
      const { at, run } = this.#take();
      this.now = at;
      run();
    }
    this.now = end;
  }

  #take(): Entry {
    const first = this.#heap[0]!, last = this.#heap.pop()!;
    const size = this.#heap.length;
    if (size === 0) return first;
    let index = 0;
    while (true) {
      let child = index * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      if (!isBefore(this.#heap[child]!, last)) break;
      this.#heap[index] = this.#heap[child]!;
      index = child;
    }
    this.#heap[index] = last;
    return first;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
