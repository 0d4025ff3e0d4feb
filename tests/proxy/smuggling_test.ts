/** The corpus of odd byte strings before `dlba serve`: each is refused or forwarded as its verdict says. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { ServeProcess } from "./harness.ts";
import type { SmugglingCase } from "./smuggling/case.ts";
import { ask } from "./smuggling/client.ts";
import { CORPUS } from "./smuggling/corpus.ts";
import { RecordingBackEnd } from "./smuggling/recording_back_end.ts";
import { checkForwarded, checkRefused, sent } from "./smuggling/verdict.ts";

/** A server that waits for more bytes than the string has, ms, took it for something else than its verdict says. */
const PATIENCE_MS = 1_000;
/** What may still be on its way to a back end when all strings are done, ms. */
const SETTLE_MS = 100;
/** A prime, so that the places where strings are split are spread over them. */
const STRIDE = 7_919;

/**
 * Runs strings one after the other, so that what arrives at the back end is of one of them: a good answer takes a
 * millisecond.
 */
async function run(strings: readonly SmugglingCase[], split: (text: string, index: number) => string[]): Promise<void> {
  const backEnd = new RecordingBackEnd();
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const wrong: string[] = [];
  try {
    for (const [i, one] of strings.entries()) {
      const answer = await ask(serve.http, split(sent(one), i), PATIENCE_MS);
      const record = backEnd.take();
      try {
        if (one.verdict === "forwarded") checkForwarded(one, answer, record);
        else checkRefused(one, answer, record);
      } catch (error) {
        if (!(error instanceof assert.AssertionError)) throw error;
        wrong.push(
          `${one.name} (${one.verdict}, ${one.rfc}): ${error.message}\n  ${JSON.stringify(one.bytes.slice(0, 200))}`,
        );
      }
    }
    await delay(SETTLE_MS);
    if (backEnd.take().bytes !== "") wrong.push("bytes arrived at the back end behind the last string");
  } finally {
    assert.equal(await serve.stop(), 0);
    await backEnd.close();
  }
  assert.equal(wrong.length, 0, `${wrong.length} of ${strings.length} strings went wrong:\n${wrong.join("\n")}`);
}

Deno.test("serve: of the smuggling corpus each string is refused or forwarded as its verdict says", async () => {
  await run(CORPUS, (text) => [text]);
});

Deno.test("serve: the verdict is the same when a string of the smuggling corpus comes in two pieces", async () => {
  await run(CORPUS, (text, index) => {
    // Another place in each string, and the same ones in every run.
    const at = 1 + (index * STRIDE) % (CORPUS[index]!.bytes.length || 1);
    return [text.slice(0, at), text.slice(at)];
  });
});

Deno.test("smuggling corpus: names are unique, each string has its RFC section", () => {
  assert.equal(new Set(CORPUS.map(({ name }) => name)).size, CORPUS.length);
  for (const { name, rfc, bytes } of CORPUS) {
    assert.match(rfc, /^RFC \d{4} section \d+(\.\d+)*$/, name);
    assert.match(bytes, /^[\0-\xff]*$/, name);
  }
});
