import assert from "node:assert/strict";
import { delay } from "../../../core/delay.ts";
import { FixedText } from "../../../core/proxy/access_log/line_buffer.ts";
import { LineWriter, type LogFile } from "../../../core/proxy/access_log/line_writer.ts";
import { eventually } from "../eventually.ts";

/** A file whose writes end when the test says so, and take as much as it says. */
class SlowFile implements LogFile {
  text = "";
  isClosed = false;
  #waiting: (() => void)[] = [];
  isHeld = false;

  constructor(readonly most = Infinity) {}

  async write(bytes: Uint8Array): Promise<number> {
    if (this.isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const taken = bytes.subarray(0, this.most);
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  }

  release(): void {
    this.isHeld = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  close(): void {
    this.isClosed = true;
  }
}

function writerOf(
  file: LogFile,
  more: { dropped?: (lines: number) => void; open?: () => LogFile; moved?: () => boolean } = {},
) {
  return new LineWriter({
    open: more.open ?? (() => file),
    hasMoved: more.moved ?? (() => false),
    dropped: more.dropped ?? (() => assert.fail("dropped")),
    complain: () => {},
  });
}

/** False where it is dropped. */
function write(writer: LineWriter, line: string): boolean {
  const out = writer.line(line.length);
  out?.fixed(new FixedText(line));
  return out !== null;
}

Deno.test("LineWriter writes every line in its order, also where the system takes pieces", async () => {
  const file = new SlowFile(1_000);
  const writer = writerOf(file);
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`);
  for (const line of lines) write(writer, line);
  await writer.close();
  assert.equal(file.text, lines.join(""));
  assert.ok(file.isClosed);
});

Deno.test("LineWriter drops and counts what comes while a file takes nothing, in bounded memory, and never waits", async () => {
  const file = new SlowFile();
  file.isHeld = true;
  let dropped = 0;
  const writer = writerOf(file, { dropped: (lines) => dropped += lines });
  const line = `${"x".repeat(999)}\n`;
  for (let i = 0; i < 20_000; i++) write(writer, line);
  assert.ok(dropped >= 20_000 - 8_400 && dropped < 20_000, `${dropped}`);
  file.release();
  await writer.close();
  assert.equal(file.text.length / line.length + dropped, 20_000);
});

Deno.test("LineWriter counts the lines of a batch that cannot be written, and writes on", async () => {
  let isFull = true;
  const file = new SlowFile();
  const failing: LogFile = {
    write: (bytes) => isFull ? Promise.reject(new Error("No space left on device")) : file.write(bytes),
    close: () => {},
  };
  let dropped = 0;
  const writer = writerOf(failing, { dropped: (lines) => dropped += lines });
  write(writer, "a\n");
  write(writer, "b\n");
  await eventually(() => assert.equal(dropped, 2));
  isFull = false;
  write(writer, "c\n");
  await writer.close();
  assert.equal(file.text, "c\n");
});

Deno.test("LineWriter begins a new line where the disk was full within one: that one alone is broken", async () => {
  const file = new SlowFile(5);
  let isFull = true;
  const failing: LogFile = {
    write: (bytes) => isFull && file.text !== "" ? Promise.reject(new Error("No space left")) : file.write(bytes),
    close: () => {},
  };
  let dropped = 0;
  const writer = writerOf(failing, { dropped: (lines) => dropped += lines });
  for (const line of ["a\n", "bcdef\n", "g\n"]) write(writer, line);
  await eventually(() => assert.equal(dropped, 2));
  isFull = false;
  write(writer, "h\n");
  await writer.close();
  assert.equal(file.text, "a\nbcd\nh\n");
});

Deno.test("LineWriter ends though the file takes nothing", async () => {
  const file = new SlowFile();
  file.isHeld = true;
  const writer = writerOf(file);
  write(writer, "a\n");
  await writer.close();
  assert.ok(file.isClosed);
  file.release();
});

Deno.test("LineWriter opens the file anew once it was moved away", async () => {
  const files = [new SlowFile(), new SlowFile()];
  let opened = 0;
  let moved = false;
  const writer = writerOf(files[0]!, { open: () => files[opened++]!, moved: () => moved });
  write(writer, "a\n");
  await eventually(() => assert.equal(files[0]!.text, "a\n"));
  moved = true;
  write(writer, "b\n");
  await eventually(() => assert.equal(files[1]!.text, "b\n"));
  moved = false;
  await delay(0);
  await writer.close();
  assert.deepEqual(files.map(({ isClosed }) => isClosed), [true, true]);
});
