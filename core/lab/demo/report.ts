/** What the demo prints: a line a step for people, one JSON object for machines. */

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen that shows it, or why it failed. */
  readonly evidence: string;
}

export interface Report {
  /** Shown while a step works; overwritten by the next, gone in the end. Only on a terminal. */
  progress(text: string): void;
  /** A line about what is being shown. */
  say(text: string): void;
  step(result: StepResult): void;
  /** Ends a demo that was interrupted: nothing is claimed of the steps that did not run. */
  interrupted(): void;
  /** The last line. */
  end(ok: boolean): void;
}

const GREEN = "\x1b[32m", RED = "\x1b[31m", DIM = "\x1b[2m", BOLD = "\x1b[1m", PLAIN = "\x1b[0m";
const ERASE_LINE = "\r\x1b[2K";
const EVIDENCE_WIDTH = 96;

export class TextReport implements Report {
  #colour = Deno.stdout.isTerminal() && !Deno.noColor;

  progress(text: string): void {
    if (Deno.stderr.isTerminal()) write(Deno.stderr, `${ERASE_LINE}${this.#paint(DIM, `… ${text}`)}`);
  }

  say(text: string): void {
    this.#clear();
    console.log(text);
  }

  step({ name, ok, evidence }: StepResult): void {
    this.#clear();
    const mark = ok ? this.#paint(GREEN, "✓") : this.#paint(RED, "✗");
    console.log(`${mark} ${this.#paint(BOLD, name)}`);
    for (const line of wrap(evidence, EVIDENCE_WIDTH)) console.log(`    ${line}`);
  }

  interrupted(): void {
    this.#clear();
    console.error("interrupted");
  }

  end(ok: boolean): void {
    this.#clear();
    console.log(ok ? this.#paint(GREEN, "Every step held.") : this.#paint(RED, "A step did not hold."));
  }

  #clear(): void {
    if (Deno.stderr.isTerminal()) write(Deno.stderr, ERASE_LINE);
  }

  #paint(code: string, text: string): string {
    return this.#colour ? `${code}${text}${PLAIN}` : text;
  }
}

export class JsonReport implements Report {
  #steps: StepResult[] = [];

  progress(): void {}

  /** Beside the JSON, for whoever watches. */
  say(text: string): void {
    console.error(text);
  }

  step(result: StepResult): void {
    this.#steps.push(result);
  }

  interrupted(): void {
    console.error("interrupted");
    this.end(false);
  }

  end(ok: boolean): void {
    console.log(JSON.stringify({ ok, steps: this.#steps }));
  }
}

/** Breaks text at spaces into lines of at most `width` characters; a newline always breaks. */
function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line ? `${line} ${word}` : word;
    }
    return [...lines, line];
  });
}

function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  stream.writeSync(new TextEncoder().encode(text));
}
