/** The access log of a proxy process: a line a request, at its end. */
import { existsSync } from "node:fs";
import { UsageError } from "../../errors.ts";
import type { BackEndTable } from "../back_end_table.ts";
import type { EventLoop } from "../loop.ts";
import { accessLine, type Ending, type LoggedClient, type LoggedExchange, type LoggedRequest } from "./line.ts";
import { LineWriter } from "./line_writer.ts";

export class AccessLog {
  #writer: LineWriter;
  #file: Deno.FsFile | undefined;
  #path: string;
  /** Milliseconds of 1970 when the loop's clock was 0. */
  #epoch = Date.now() - performance.now();
  #lastMs = -1;
  #lastTime = "";

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
      return this.#file = Deno.openSync(this.#path, { append: true, create: true, mode: 0o640 });
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

  /** As {@linkcode accessLine}. */
  write(
    client: LoggedClient,
    request: LoggedRequest | undefined,
    exchange: LoggedExchange | undefined,
    status: number,
    bytesIn: number,
    startedAt: number,
    ending: Ending,
    id: string,
  ): void {
    const { now } = this.loop;
    this.#writer.write(
      accessLine(this.#time(now), client, request, exchange, status, bytesIn, startedAt, now, ending, id),
    );
  }

  /** Many requests end in one millisecond: its text is made once. */
  #time(now: number): string {
    const ms = Math.floor(this.#epoch + now);
    if (ms !== this.#lastMs) {
      this.#lastMs = ms;
      this.#lastTime = new Date(ms).toISOString();
    }
    return this.#lastTime;
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
