/** Failures in the log, so many in a span of time: neither a scanner nor a back end that is away must fill the disk. */
export class FailureLog {
  #began = -Infinity;
  #logged = 0;
  #unlogged = 0;

  /** @param what are counted together, as "TLS handshakes" */
  constructor(
    readonly log: (line: string) => void,
    readonly what: string,
    readonly most: number,
    readonly spanMs: number,
  ) {}

  add(line: string): void {
    const now = Date.now();
    if (now - this.#began >= this.spanMs) {
      if (this.#unlogged > 0) this.log(`${this.#unlogged} more ${this.what} failed`);
      this.#began = now;
      this.#logged = this.#unlogged = 0;
    }
    if (this.#logged++ < this.most) this.log(line);
    else this.#unlogged++;
  }
}
