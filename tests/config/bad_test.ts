/**
 * Each file of `bad/` with what `dlba check` says of it beside it, `.txt`. `UPDATE_GOLDEN=1 deno test -A tests/config` writes those
 * texts anew; read the difference before it is committed.
 */
import assert from "node:assert/strict";
import { checkFile } from "../../core/config/check.ts";
import { findingLine } from "../../core/config/findings.ts";
import { UsageError } from "../../core/errors.ts";

const FOLDER = new URL("bad/", import.meta.url).pathname;
const NOW = Date.parse("2026-01-01");
const names = [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).filter((name) => name.endsWith(".yaml")).sort();

/** What check says, with the folder left out. */
function said(name: string): string {
  try {
    return checkFile(FOLDER + name, NOW).findings.map((finding) => findingLine(finding) + "\n").join("").replaceAll(
      FOLDER,
      "",
    );
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `${error.message}\n`.replaceAll(FOLDER, "");
  }
}

for (const name of names) {
  Deno.test(`check names the error of ${name}`, () => {
    const golden = FOLDER + name.replace(/yaml$/, "txt");
    if (Deno.env.get("UPDATE_GOLDEN")) Deno.writeTextFileSync(golden, said(name));
    const expected = Deno.readTextFileSync(golden);
    assert.match(expected, new RegExp(`^${name}:\\d+:\\d+: `), "a file of bad/ must have a finding");
    assert.equal(said(name), expected);
  });
}

Deno.test("there are at least 40 bad files", () => {
  assert.ok(names.length >= 40);
});
