/** Lines written to a file in batches, never by who has them: what does not fit into a bounded memory is dropped and counted. */

/** Lines wait so long at most before they are written, ms. */
const FLUSH_MS = 100;
/** Lines are kept as one text up to this length; then as bytes. */
const TEXT_LENGTH = 65_536;
/** Most bytes that wait or are being written: two seconds of 10,000 lines. */
const MOST_BYTES = 8_388_608;
/** A file that cannot be written is complained of so often, ms. */
const COMPLAINT_MS = 60_000;

/** As much of Deno.FsFile as is used. */
export interface LogFile {
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

export interface LineWriterOptions {
  /** Opens the file for appending; called again after it was moved away. */
  readonly open: () => LogFile;
  /** Whether the file that is open is not the one of that name any more. */
  readonly hasMoved: () => boolean;
  readonly dropped: (lines: number) => void;
  readonly complain: (line: string) => void;
}

interface Batch {
  readonly bytes: Uint8Array;
  readonly lines: number;
}

export class LineWriter {
  #file: LogFile;
  #text = "";
  #lines = 0;
  #batches: Batch[] = [];
  /** In batches, the one that is being written included. */
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval>;
  #complainedAt = -Infinity;

  constructor(readonly options: LineWriterOptions) {
    this.#file = options.open();
    this.#timer = setInterval(() => this.#flushAlone(), FLUSH_MS);
  }

  /** @param line ASCII, its line end included */
  write(line: string): void {
    if (this.#bytes + this.#text.length + line.length > MOST_BYTES) return this.options.dropped(1);
    this.#text += line;
    this.#lines++;
    if (this.#text.length >= TEXT_LENGTH) this.#seal();
  }

  #seal(): void {
    if (this.#lines === 0) return;
    const bytes = new TextEncoder().encode(this.#text);
    this.#batches.push({ bytes, lines: this.#lines });
    this.#bytes += bytes.length;
    this.#text = "";
    this.#lines = 0;
  }

  #flushAlone(): void {
    if (this.#writing) return;
    this.#writing = this.#flush().finally(() => this.#writing = undefined);
  }

  async #flush(): Promise<void> {
    this.#seal();
    const batches = this.#batches.splice(0);
    try {
      if (batches.length === 0) return;
      if (this.options.hasMoved()) {
        const moved = this.#file;
        this.#file = this.options.open();
        moved.close();
      }
      // One call for all: each is seen to have ended in the loop's next turn only. Whole lines, so that several processes do not mix them.
      const all = joined(batches);
      for (let at = 0; at < all.length;) at += await this.#file.write(all.subarray(at));
    } catch (error) {
      this.options.dropped(batches.reduce((sum, { lines }) => sum + lines, 0));
      this.#complain(error);
    } finally {
      for (const { bytes } of batches) this.#bytes -= bytes.length;
    }
  }

  #complain(error: unknown): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAINT_MS) return;
    this.#complainedAt = now;
    this.options.complain(`access log: ${error instanceof Error ? error.message : error}: lines are dropped`);
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.#flush();
    this.#file.close();
  }
}

function joined(batches: readonly Batch[]): Uint8Array {
  if (batches.length === 1) return batches[0]!.bytes;
  const all = new Uint8Array(batches.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of batches) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}
