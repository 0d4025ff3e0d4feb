/** Says on stderr which part of a bench runs, and when it began. */
export class Progress {
  #start = performance.now();

  constructor(readonly bench: string) {}

  say(part: string): void {
    const seconds = Math.round((performance.now() - this.#start) / 1000);
    console.error(`${this.bench}: ${String(seconds).padStart(3)} s  ${part}`);
  }
}
