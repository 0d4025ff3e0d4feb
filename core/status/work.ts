/** What runs by a config until another one takes its place. */
export type Task = (signal: AbortSignal) => Promise<void> | undefined;

export class Work<View> {
  #over = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #ended = Promise.withResolvers<void>();

  /** @param tasks of a config */
  constructor(readonly stop: AbortSignal, readonly tasks: (view: View) => readonly Task[]) {
    stop.addEventListener("abort", () => this.#running.then(() => this.#ended.resolve(), () => {}));
  }

  /** Ends what runs, then begins by another config. */
  async begin(view: View): Promise<void> {
    this.#over.abort();
    await this.#running;
    const over = this.#over = new AbortController();
    const signal = AbortSignal.any([this.stop, over.signal]);
    this.#running = Promise.all(this.tasks(view).map((task) => task(signal)));
    this.#running.catch(this.#ended.reject);
  }

  /** Resolves once all has ended after the stop; rejects where a task failed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }
}
