/**
 * Deadlines of many connections at little cost: a ring of slots, each a linked list. A deadline that moves later is only a
 * number changed; its owner is moved on when the old slot comes up.
 */

/** Length of a slot, ms: timeouts are in seconds, so a tenth is exact enough. */
const SLOT_MS = 100;
/** The ring spans 102.4 s; a later deadline goes round. */
const SLOTS = 1024;
const NEVER = Infinity;

/** Something with a deadline. The fields are the wheel's. */
export abstract class Timed {
  /** ms, of the clock that the wheel is driven by. */
  deadline = NEVER;
  slotTick = -1;
  next: Timed | null = null;
  previous: Timed | null = null;

  /** The deadline is over. */
  abstract onTimeout(): void;

  /** A handler of it threw: a defect of ours. It is given up, the process goes on. */
  abstract onDefect(error: unknown): void;
}

function fire(timed: Timed): void {
  try {
    timed.onTimeout();
  } catch (error) {
    timed.onDefect(error);
  }
}

export class TimerWheel {
  #slots: (Timed | null)[] = new Array(SLOTS).fill(null);
  #tick: number;

  /** @param now ms */
  constructor(now: number) {
    this.#tick = Math.floor(now / SLOT_MS);
  }

  /** Sets the deadline, `ms` from `now`. */
  set(timed: Timed, now: number, ms: number): void {
    timed.deadline = now + ms;
    const tick = this.#tickOf(timed.deadline);
    if (timed.slotTick >= 0 && timed.slotTick <= tick) return;
    this.#unlink(timed);
    this.#link(timed, tick);
  }

  remove(timed: Timed): void {
    timed.deadline = NEVER;
    this.#unlink(timed);
  }

  /** Calls `onTimeout` of everything that is due. */
  advance(now: number): void {
    const last = Math.floor(now / SLOT_MS);
    while (this.#tick < last) {
      const tick = ++this.#tick;
      // One by one from the head: a time-out may remove others of this slot.
      for (let timed = this.#slots[tick % SLOTS]; timed; timed = this.#slots[tick % SLOTS]) {
        this.#unlink(timed);
        if (timed.deadline <= now) fire(timed);
        else this.#link(timed, this.#tickOf(timed.deadline));
      }
    }
  }

  /** At least the next tick, at most one round ahead. */
  #tickOf(deadline: number): number {
    const tick = Math.ceil(deadline / SLOT_MS);
    return Math.min(Math.max(tick, this.#tick + 1), this.#tick + SLOTS - 1);
  }

  #link(timed: Timed, tick: number): void {
    const head = this.#slots[tick % SLOTS] ?? null;
    timed.slotTick = tick;
    timed.next = head;
    timed.previous = null;
    if (head !== null) head.previous = timed;
    this.#slots[tick % SLOTS] = timed;
  }

  #unlink(timed: Timed): void {
    if (timed.slotTick < 0) return;
    if (timed.previous !== null) timed.previous.next = timed.next;
    else this.#slots[timed.slotTick % SLOTS] = timed.next;
    if (timed.next !== null) timed.next.previous = timed.previous;
    timed.next = timed.previous = null;
    timed.slotTick = -1;
  }
}
