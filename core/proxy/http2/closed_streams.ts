/** How the last streams of a session were closed: frames may still come for them, RFC 9113 section 5.1. */

const KEPT = 128;
/** Both sides ended it, or the other side reset it: it knows, and sends nothing more. */
export const ENDED = 1;
/** We reset it: what was on its way is ignored. */
export const RESET_BY_US = 2;

export class ClosedStreams {
  #ids = new Uint32Array(KEPT);
  #how = new Uint8Array(KEPT);

  add(id: number, how: typeof ENDED | typeof RESET_BY_US): void {
    // Streams of one side have odd numbers.
    const slot = (id >>> 1) % KEPT;
    this.#ids[slot] = id;
    this.#how[slot] = how;
  }

  /** {@linkcode ENDED}, {@linkcode RESET_BY_US}; 0 where it is not known any more, or the stream never was. */
  how(id: number): number {
    const slot = (id >>> 1) % KEPT;
    return this.#ids[slot] === id ? this.#how[slot]! : 0;
  }
}
