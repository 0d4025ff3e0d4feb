/** Lines written to a file in batches, never by who has them: what does not fit into a bounded memory is dropped and counted. */
import { delay } from "../../delay.ts";
import { LineBuffer } from "./line_buffer.ts";

/** Lines wait so long at most before they are written, ms. */
const FLUSH_MS = 100;
/** Most bytes that wait, and that are being written: each a second of 10,000 lines. */
const MOST_BYTES = 4_194_304;
/** A file that cannot be written is complained of so often, ms. */
const COMPLAINT_MS = 60_000;
/** At the end the file has so long to take what is left, ms. */
const CLOSE_MS = 1_000;
const NEWLINE = 10;

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

/** Two memories: one takes lines while the other is written. They are used again and again: fresh memory costs more than the write. */
export class LineWriter {
  #file: LogFile;
  #filling = new LineBuffer(MOST_BYTES);
  #spare = new LineBuffer(MOST_BYTES);
  #writing: Promise<void> | undefined;
  /** The file ends within a line: what could be written of a batch. */
  #isTorn = false;
  #timer: ReturnType<typeof setInterval>;
  #complainedAt = -Infinity;

  constructor(readonly options: LineWriterOptions) {
    this.#file = options.open();
    this.#timer = setInterval(() => this.#flushAlone(), FLUSH_MS);
  }

  /**
   * Where a line is to be written at once, its line end included; null where it is dropped.
   * @param bytes that it has at most
   */
  line(bytes: number): LineBuffer | null {
    if (this.#filling.reserve(bytes)) return this.#filling;
    this.#flushAlone();
    if (this.#filling.reserve(bytes)) return this.#filling;
    this.options.dropped(1);
    return null;
  }

  #flushAlone(): void {
    if (this.#writing || this.#filling.end === 0) return;
    const full = this.#filling;
    this.#filling = this.#spare;
    this.#writing = this.#write(full).finally(() => {
      full.end = 0;
      this.#spare = full;
      this.#writing = undefined;
    });
  }

  /** By one call: each is seen to have ended in the loop's next turn only. Whole lines, so that several processes do not mix them. */
  async #write({ bytes, end }: LineBuffer): Promise<void> {
    let at = 0;
    try {
      if (this.options.hasMoved()) {
        const moved = this.#file;
        this.#file = this.options.open();
        this.#isTorn = false;
        moved.close();
      }
      if (this.#isTorn && await this.#file.write(LINE_END) === 1) this.#isTorn = false;
      while (at < end) at += await this.#file.write(bytes.subarray(at, end));
    } catch (error) {
      if (at > 0) this.#isTorn = bytes[at - 1] !== NEWLINE;
      this.options.dropped(linesOf(bytes, at, end));
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAINT_MS) return;
    this.#complainedAt = now;
    this.options.complain(`access log: ${error instanceof Error ? error.message : error}: lines are dropped`);
  }

  /** Writes what is left and closes the file. What it does not take within a second is dropped. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const written = new AbortController();
    await Promise.race([this.#writeAll().finally(() => written.abort()), delay(CLOSE_MS, written.signal)]);
    if (!written.signal.aborted) {
      this.options.complain("access log: the file takes nothing: the last lines are dropped");
    }
    this.#file.close();
  }

  async #writeAll(): Promise<void> {
    await this.#writing;
    this.#flushAlone();
    await this.#writing;
  }
}

const LINE_END = Uint8Array.of(NEWLINE);

function linesOf(bytes: Uint8Array, start: number, end: number): number {
  let lines = 0;
  for (let at = start; at < end; at++) if (bytes[at] === NEWLINE) lines++;
  return lines;
}
