/** Ctrl-C and SIGTERM, from the making of this object on: nothing is to be made before. */

/** What a shell adds to a signal's number in an exit code. */
const SIGNALLED = 128;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

export class Interruption {
  #code: number | undefined;
  #interrupted = Promise.withResolvers<"interrupted">();

  constructor() {
    for (const [signal, number] of Object.entries(SIGNALS)) {
      Deno.addSignalListener(signal as Deno.Signal, () => {
        this.#code ??= SIGNALLED + number;
        this.#interrupted.resolve("interrupted");
      });
    }
  }

  /** The exit code once interrupted. */
  get code(): number | undefined {
    return this.#code;
  }

  /** Resolves as the work does, and at once to "interrupted" when that comes first; what becomes of the work then is no matter. */
  async during<T>(work: Promise<T>): Promise<T | "interrupted"> {
    return await Promise.race([work, this.#interrupted.promise]);
  }
}
