import assert from "node:assert/strict";
import { delay } from "../../../core/delay.ts";
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

Deno.test("LineWriter writes every line in its order, also where the system takes pieces", async () => {
  const file = new SlowFile(1_000);
  const writer = writerOf(file);
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`);
  for (const line of lines) writer.write(line);
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
  for (let i = 0; i < 20_000; i++) writer.write(line);
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
  writer.write("a\n");
  writer.write("b\n");
  await eventually(() => assert.equal(dropped, 2));
  isFull = false;
  writer.write("c\n");
  await writer.close();
  assert.equal(file.text, "c\n");
});

Deno.test("LineWriter opens the file anew once it was moved away", async () => {
  const files = [new SlowFile(), new SlowFile()];
  let opened = 0;
  let moved = false;
  const writer = writerOf(files[0]!, { open: () => files[opened++]!, moved: () => moved });
  writer.write("a\n");
  await eventually(() => assert.equal(files[0]!.text, "a\n"));
  moved = true;
  writer.write("b\n");
  await eventually(() => assert.equal(files[1]!.text, "b\n"));
  moved = false;
  await delay(0);
  await writer.close();
  assert.deepEqual(files.map(({ isClosed }) => isClosed), [true, true]);
});
