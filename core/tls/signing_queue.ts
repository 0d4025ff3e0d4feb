/** Who may use the device now and who waits for it. It knows nothing of TLS. */

/** Signatures under way at once. Deno's thread pool has 32 threads, and everything else that blocks needs some of them. */
export const AT_ONCE = 8;
/** Handshakes that wait for the device: a device of 100 signatures a second clears them within {@linkcode LONGEST_MS}. */
export const WAITING = 512;
/** From the wish for a signature until it is made, ms. A client has given up by then, or the device has. */
export const LONGEST_MS = 5_000;

export interface QueueLimits {
  readonly atOnce: number;
  readonly waiting: number;
  readonly longestMs: number;
}

export interface Job {
  /** Uses the device; its place is free again when this resolves. It never rejects. */
  run(): Promise<void>;
  /** It took too long, waiting or running; what runs is still to return. */
  onExpiry(): void;
}

/** A job that was taken in. */
interface Entry {
  readonly job: Job;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class SigningQueue {
  #running = new Map<Job, Entry>();
  /** In the order of their coming. */
  #waiting = new Map<Job, Entry>();

  constructor(readonly limits: QueueLimits = { atOnce: AT_ONCE, waiting: WAITING, longestMs: LONGEST_MS }) {}

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Runs the job at once or when a place is free; false when too many wait already. */
  add(job: Job): boolean {
    const isFree = this.#running.size < this.limits.atOnce;
    if (!isFree && this.#waiting.size >= this.limits.waiting) return false;
    const timer = setTimeout(() => {
      this.#waiting.delete(job);
      job.onExpiry();
    }, this.limits.longestMs);
    const entry = { job, timer };
    if (isFree) this.#run(entry);
    else this.#waiting.set(job, entry);
    return true;
  }

  /** Nobody waits for the job any more: one that runs keeps its place until it returns, but does not expire. */
  forget(job: Job): void {
    clearTimeout((this.#waiting.get(job) ?? this.#running.get(job))?.timer);
    this.#waiting.delete(job);
  }

  async #run(entry: Entry): Promise<void> {
    const { job, timer } = entry;
    this.#running.set(job, entry);
    await job.run();
    this.#running.delete(job);
    clearTimeout(timer);
    for (const next of this.#waiting.values()) {
      this.#waiting.delete(next.job);
      this.#run(next);
      break;
    }
  }
}
