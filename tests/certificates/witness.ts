/** `dlba cert` in a folder of its own, and openssl as the witness of what it made. */
import assert from "node:assert/strict";
import { dlba, type Output, run } from "../config/dlba.ts";

export async function inFolder(work: (dir: string) => Promise<void> | void): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "dlba-cert-" });
  await work(dir);
  await Deno.remove(dir, { recursive: true });
}

/** What openssl prints; it must accept. */
export async function openssl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run("openssl", args);
  assert.equal(code, 0, `openssl ${args.join(" ")}\n${stderr}`);
  return stdout + stderr;
}

/** Runs it; it must do what it is told. */
export async function cert(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await dlba("cert", ...args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

/** Runs it; it must refuse in one line. */
export async function refused(reason: RegExp, ...args: readonly string[]): Promise<Output> {
  const output = await dlba("cert", ...args);
  assert.match(output.stderr, reason);
  assert.deepEqual({ code: output.code, lines: output.stderr.split("\n").length }, { code: 2, lines: 2 });
  return output;
}

export function mode(path: string): number {
  return Deno.statSync(path).mode! & 0o777;
}
