/** The access log of a proxy process: a line a request, at its end. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../../errors.ts";
import type { BackEndTable } from "../back_end_table.ts";
import type { EventLoop } from "../loop.ts";
import { lineStart, type LoggedRequest, mostBytes, writeLine } from "./line.ts";
import { LineWriter } from "./line_writer.ts";

export class AccessLog {
  #writer: LineWriter;
  #file: Deno.FsFile | undefined;
  #path: string;
  /** Milliseconds of 1970 when the loop's clock was 0. */
  #epoch = Date.now() - performance.now();
  #lastMs = -1;
  #lineStart = lineStart("");

  /** Throws UsageError where the file cannot be written. */
  constructor(path: string, readonly loop: EventLoop, table: BackEndTable, complain: (line: string) => void) {
    this.#path = path;
    this.#writer = new LineWriter({
      open: () => this.#open(),
      hasMoved: () => this.#hasMoved(),
      dropped: (lines) => table.logDropped(lines),
      complain,
    });
  }

  #open(): Deno.FsFile {
    try {
      Deno.mkdirSync(dirname(this.#path), { recursive: true });
      // To open a pipe for writing alone waits for somebody who reads it: fifo(7).
      const read = existsSync(this.#path) && Deno.statSync(this.#path).isFifo === true;
      return this.#file = Deno.openSync(this.#path, { append: true, create: true, mode: 0o640, read });
    } catch (error) {
      throw new UsageError(
        `Cannot write the access log ${this.#path}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  #hasMoved(): boolean {
    if (!existsSync(this.#path)) return true;
    return Deno.statSync(this.#path).ino !== this.#file!.statSync().ino;
  }

  /** Writes the line of a request that ends now. */
  write(logged: LoggedRequest): void {
    const out = this.#writer.line(mostBytes(logged));
    if (out !== null) writeLine(out, this.#startNow(), logged, this.loop.now);
  }

  /** Many requests end in one millisecond: its text is made once. */
  #startNow() {
    const ms = Math.floor(this.#epoch + this.loop.now);
    if (ms !== this.#lastMs) {
      this.#lastMs = ms;
      this.#lineStart = lineStart(new Date(ms).toISOString());
    }
    return this.#lineStart;
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
