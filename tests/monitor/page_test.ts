/** The committed page is the one of its source, and has all that it needs in it. */
import assert from "node:assert/strict";
import { buildPage } from "../../core/monitor/dashboard/build.ts";

const PAGE = new URL("../../core/monitor/dashboard/page.html", import.meta.url);
/** What an operator loads over a slow link. */
const MAX_BYTES = 120_000;

Deno.test("page.html is what deno task page builds", async () => {
  assert.ok(await buildPage() === await Deno.readTextFile(PAGE), "deno task page, and commit page.html");
});

Deno.test("page.html asks for nothing outside", async () => {
  const page = await Deno.readTextFile(PAGE);
  assert.ok(page.length < MAX_BYTES, `${page.length} bytes`);
  assert.doesNotMatch(page, /<(script|link|img)[^>]+(src|href)="(?!data:)/);
  assert.doesNotMatch(page, /@import|url\((?!data:)/);
});
