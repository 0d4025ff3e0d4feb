/** The terminal in full-screen mode, given back as it was on every way out. */
import { delay } from "../delay.ts";
import { keysOf } from "./keys.ts";
import type { Key } from "./keys.ts";
import { lengthOf, type Line, plainText, type Style } from "./screen/line.ts";

/** ECMA-48 and xterm: alternate screen, cursor, wrapping. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const REST_OF_LINE = "\x1b[K";
const REST_OF_SCREEN = "\x1b[J";

const COLOURED: Record<Style, string> = {
  plain: "",
  dim: "2",
  bold: "1",
  title: "1;36",
  good: "32",
  warning: "33",
  error: "1;31",
  bar: "36",
  selected: "7",
};
const MONOCHROME: Record<Style, string> = { ...COLOURED, title: "1", good: "", warning: "1", error: "1", bar: "" };

/** The rest of an escape sequence that was cut between two reads comes within, ms. */
const SEQUENCE_MS = 30;
/** More than anybody types at once. */
const READ_BYTES = 256;
/** Where a terminal does not say its size. */
const DEFAULT_SIZE = { columns: 80, rows: 24 };

export class Terminal {
  #isEntered = false;
  #styles: Record<Style, string>;
  #restore = () => this.leave();

  constructor(hasColour: boolean) {
    this.#styles = hasColour ? COLOURED : MONOCHROME;
  }

  static isThere(): boolean {
    return Deno.stdout.isTerminal() && Deno.stdin.isTerminal() && Deno.env.get("TERM") !== "dumb";
  }

  static size(): { readonly columns: number; readonly rows: number } {
    try {
      const { columns, rows } = Deno.consoleSize();
      return columns > 0 && rows > 0 ? { columns, rows } : DEFAULT_SIZE;
    } catch {
      return DEFAULT_SIZE;
    }
  }

  enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    // An error of ours is printed by the runtime: on the screen that stays.
    for (const event of WAYS_OUT) globalThis.addEventListener(event, this.#restore);
    Deno.stdin.setRaw(true);
    write(ENTER);
  }

  leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    for (const event of WAYS_OUT) globalThis.removeEventListener(event, this.#restore);
    try {
      write(LEAVE);
      Deno.stdin.setRaw(false);
    } catch {
      // The terminal is gone (SIGHUP).
    }
  }

  draw(lines: readonly Line[]): void {
    const { columns } = Terminal.size();
    // Behind a line that fills the screen the cursor is still on its last character.
    const text = lines.map((line) => this.#text(line) + (lengthOf(line) < columns ? REST_OF_LINE : "")).join("\r\n");
    if (this.#isEntered) write(HOME + text + REST_OF_SCREEN);
  }

  #text(line: Line): string {
    return line.map(({ text, style }) => {
      const code = this.#styles[style];
      return code === "" ? text : `\x1b[${code}m${text}\x1b[0m`;
    }).join("");
  }

  /** Until the terminal is gone. */
  async *keys(): AsyncGenerator<Key> {
    const buffer = new Uint8Array(READ_BYTES);
    let kept: Promise<number | null> | undefined;
    while (true) {
      const count = await (kept ?? Deno.stdin.read(buffer));
      kept = undefined;
      if (count === null) return;
      let bytes = buffer.slice(0, count);
      if (count === 1 && bytes[0] === 0x1b) {
        kept = Deno.stdin.read(buffer);
        const more = await Promise.race([kept, delay(SEQUENCE_MS)]);
        if (typeof more === "number") {
          bytes = new Uint8Array([0x1b, ...buffer.subarray(0, more)]);
          kept = undefined;
        }
      }
      yield* keysOf(bytes);
    }
  }
}

const WAYS_OUT = ["error", "unhandledrejection", "unload"] as const;

/** Throws where the terminal is gone. */
function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** As `--once` prints it. */
export function printed(lines: readonly Line[]): string {
  return lines.map(plainText).join("\n");
}
