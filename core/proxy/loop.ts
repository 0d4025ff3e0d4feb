/** The event loop of a proxy process: descriptors, deadlines, and now and then Deno's own loop. */
import { Epoll } from "../../ffi/epoll.ts";
import { runtimeTurn } from "../../ffi/runtime_turn.ts";
import { callsUnderWay } from "../../ffi/thread_calls.ts";
import { type Timed, TimerWheel } from "./timer_wheel.ts";

/** Longest wait for an event, ms: deadlines are seen within it. */
const WAIT_MS = 100;
/** Deno's event loop gets its turn so often, ms. */
const TURN_MS = 50;
/** Both while a call is under way on another thread: its return is seen in such a turn alone (at 0.04 ms of CPU each). */
const CALL_TURN_MS = 1;

/** Whatever has a descriptor. `mask` holds the EPOLL bits. */
export interface Watched {
  /** Waits for somebody who uses it: its events come first, so that nobody takes it up who should not. */
  readonly isIdle?: boolean;
  onEvent(mask: number): void;
  /** A handler of it threw: a defect of ours. It is given up, the process goes on. */
  onDefect(error: unknown): void;
}

/** Has more to do than a turn allows. */
export interface Resumed {
  onTurn(): void;
  onDefect(error: unknown): void;
}

export class EventLoop {
  #epoll = new Epoll();
  #watched: (Watched | undefined)[] = [];
  #generations: number[] = [];
  #wheel: TimerWheel;
  #unfinished: Resumed[] = [];
  /** ms, read once a turn. */
  now = performance.now();

  constructor() {
    this.#wheel = new TimerWheel(this.now);
  }

  watch(fd: number, watched: Watched): void {
    const generation = ((this.#generations[fd] ?? 0) + 1) | 0;
    this.#generations[fd] = generation;
    this.#watched[fd] = watched;
    this.#epoll.add(fd, generation);
  }

  /** To be called before the descriptor is closed; closing takes it out of the kernel's set. */
  forget(fd: number): void {
    this.#watched[fd] = undefined;
  }

  /** Takes a descriptor out whose file stays open in another process; to be called before it is closed here. */
  unwatch(fd: number): void {
    this.#epoll.remove(fd);
    this.forget(fd);
  }

  /** Goes on with it in the next turn, after everybody else had theirs. */
  again(unfinished: Resumed): void {
    this.#unfinished.push(unfinished);
  }

  setDeadline(timed: Timed, ms: number): void {
    this.#wheel.set(timed, this.now, ms);
  }

  clearDeadline(timed: Timed): void {
    this.#wheel.remove(timed);
  }

  /** Runs until `isDone` says so; it is asked after each batch of events. */
  async run(isDone: () => boolean): Promise<void> {
    let turned = performance.now();
    while (!isDone()) {
      const unfinished = this.#unfinished;
      const count = this.#epoll.wait(unfinished.length > 0 ? 0 : callsUnderWay > 0 ? CALL_TURN_MS : WAIT_MS);
      this.now = performance.now();
      for (let i = 0; i < count; i++) if (this.#watchedOf(i)?.isIdle) this.#dispatch(i);
      for (let i = 0; i < count; i++) this.#dispatch(i);
      if (unfinished.length > 0) {
        this.#unfinished = [];
        for (const each of unfinished) resume(each);
      }
      this.#wheel.advance(this.now);
      if (this.now - turned >= (callsUnderWay > 0 ? CALL_TURN_MS : TURN_MS)) {
        await runtimeTurn();
        turned = performance.now();
      }
    }
  }

  /** Of the event of that index. Within its batch the descriptor may have been closed, and its number given to another. */
  #watchedOf(index: number): Watched | undefined {
    const fd = this.#epoll.fd(index);
    return this.#generations[fd] === this.#epoll.generation(index) ? this.#watched[fd] : undefined;
  }

  #dispatch(index: number): void {
    const watched = this.#watchedOf(index);
    if (watched === undefined) return;
    try {
      watched.onEvent(this.#epoll.mask(index));
    } catch (error) {
      watched.onDefect(error);
    }
  }

  close(): void {
    this.#epoll.close();
  }
}

function resume(unfinished: Resumed): void {
  try {
    unfinished.onTurn();
  } catch (error) {
    unfinished.onDefect(error);
  }
}
