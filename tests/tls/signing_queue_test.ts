import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { type Job, SigningQueue } from "../../core/tls/signing_queue.ts";

/** A job that runs until it is told to return. */
class ManualJob implements Job {
  readonly #done = Promise.withResolvers<void>();
  hasBegun = false;
  hasExpired = false;

  run(): Promise<void> {
    this.hasBegun = true;
    return this.#done.promise;
  }

  onExpiry(): void {
    this.hasExpired = true;
  }

  async finish(): Promise<void> {
    this.#done.resolve();
    await delay(0);
  }
}

const LIMITS = { atOnce: 2, waiting: 2, longestMs: 30 };

function queueWith(count: number): { queue: SigningQueue; jobs: ManualJob[]; taken: boolean[] } {
  const queue = new SigningQueue(LIMITS);
  const jobs = Array.from({ length: count }, () => new ManualJob());
  return { queue, jobs, taken: jobs.map((job) => queue.add(job)) };
}

const begun = (jobs: readonly ManualJob[]) => jobs.map((job) => job.hasBegun);

Deno.test("SigningQueue runs so many at once, the others in the order of their coming, and refuses the rest", async () => {
  const { queue, jobs, taken } = queueWith(5);
  assert.deepEqual(taken, [true, true, true, true, false]);
  assert.deepEqual(begun(jobs), [true, true, false, false, false]);
  await jobs[1]!.finish();
  assert.deepEqual(begun(jobs), [true, true, true, false, false]);
  for (const job of jobs) await job.finish();
  assert.deepEqual(begun(jobs), [true, true, true, true, false]);
  assert.deepEqual([queue.running, queue.waiting], [0, 0]);
});

Deno.test("SigningQueue forgets a job that waits; one that runs keeps its place", async () => {
  const { queue, jobs } = queueWith(4);
  queue.forget(jobs[2]!);
  queue.forget(jobs[0]!);
  assert.deepEqual([queue.running, queue.waiting], [2, 1]);
  await jobs[0]!.finish();
  assert.deepEqual(begun(jobs), [true, true, false, true]);
  await delay(2 * LIMITS.longestMs);
  assert.deepEqual(jobs.map((job) => job.hasExpired), [false, true, false, true]);
  for (const job of jobs) await job.finish();
});

Deno.test("SigningQueue lets expire what waits or runs for too long, and a running one keeps its place", async () => {
  const { queue, jobs } = queueWith(3);
  await delay(2 * LIMITS.longestMs);
  assert.deepEqual(jobs.map((job) => job.hasExpired), [true, true, true]);
  assert.deepEqual([queue.running, queue.waiting], [2, 0]);
  for (const job of jobs) await job.finish();
  assert.equal(jobs[2]!.hasBegun, false);
  assert.equal(queue.running, 0);
});
