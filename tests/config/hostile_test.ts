/** Config files that no operator would write, and files that are none. */
import assert from "node:assert/strict";
import process from "node:process";
import { checkFile } from "../../core/config/check.ts";
import { findingsText } from "../../core/config/findings.ts";
import { checkConfig, loadConfig } from "../../core/config/load.ts";
import { UsageError } from "../../core/errors.ts";
import { dlba } from "./dlba.ts";

/** Milliseconds that the work takes. */
function timed(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

Deno.test("checkConfig() shows the first 100 of 60,000 unknown keys and counts the rest", () => {
  // Each key was compared with each other one, which took 41 s.
  const keys = Array.from({ length: 60_000 }, (_, i) => `  key${i}: 1\n`).join("");
  const text = `array:\n  name: shop\n  vip: 192.0.2.10\n${keys}`;
  let lines: string[] = [];
  // Reading the YAML is what takes time: 5 s are for a machine that is busy with other tests.
  assert.ok(timed(() => lines = findingsText(checkConfig("f", text)).split("\n")) < 5_000);
  assert.equal(lines.length, 101);
  // `nodes` and `pools` are missing.
  assert.equal(lines.at(-1), `and ${60_000 + 2 - 100} more`);
});

Deno.test("checkConfig() takes no time for thousands of unknown pools among thousands", () => {
  // Each name of a route was compared with each pool's.
  const pools = Array.from({ length: 8_000 }, (_, i) => `{ name: pool-${i} }`);
  const routes = Array.from({ length: 8_000 }, (_, i) => `{ pool: pole-${i}, path: /${i} }`);
  const text = `pools: [${pools}]\nroutes: [${routes}]\n`;
  assert.ok(timed(() => checkConfig("f", text)) < 5_000);
});

Deno.test("checkConfig() has one finding for lists within lists beyond reason", () => {
  // `Maximum call stack size exceeded` came from deep within the YAML library.
  for (const text of ["[".repeat(20_000), "- ".repeat(20_000), "{a: ".repeat(20_000), "a: " + "[".repeat(500_000)]) {
    const { findings } = checkConfig("f", text);
    assert.equal(findings.length, 1);
    assert.equal(findings[0]!.line, 1);
    assert.ok(findings[0]!.column > 30);
    assert.equal(findings[0]!.found, "more than 32 levels of maps and lists");
  }
});

Deno.test("checkConfig() takes aliases that refer to themselves, that are keys, that are many", () => {
  // The library throws for some of these, and walks the whole tree for each alias.
  const many = Array.from({ length: 20_000 }, (_, i) => `&a${i} x, *a${i}`);
  for (const text of ["nodes: &n [*n]", "&k array: {*k : 1}", "pools: &p { back_ends: *p }", `nodes: [${many}]`]) {
    assert.ok(timed(() => assert.ok(checkConfig("f", text).findings.length > 0)) < 5_000);
  }
});

Deno.test("an interface may stand behind an alias in each of 256 nodes", () => {
  // 100 uses of one anchor were taken for an attack.
  const node = (id: number) => {
    const [hundreds, rest] = [Math.floor(id / 100), id % 100];
    const mac = `02:00:00:00:${String(hundreds).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
    const name = id === 0 ? "&i eth0" : "*i";
    return `{ id: ${id}, name: n${id}, address: 10.0.${hundreds}.${rest + 1}/16, mac: "${mac}", interface: ${name} }`;
  };
  const nodes = Array.from({ length: 256 }, (_, id) => node(id));
  const text = `array: { name: a, vip: 10.0.9.1 }\nnodes: [${nodes}]\n` +
    `pools: [{ name: p, back_ends: [{ key: 1, address: "10.1.0.1:80" }] }]\n`;
  assert.deepEqual(checkConfig("f", text).findings, []);
});

Deno.test("what is no regular file, or too long, is refused without reading it", async () => {
  // Neither /dev/zero nor a FIFO has an end.
  const dir = await Deno.makeTempDir();
  const fifo = `${dir}/fifo`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  const long = `${dir}/long`;
  // Characters of two bytes: 800,000 of them are too long by their bytes only.
  await Deno.writeTextFile(long, "é".repeat(800_000));
  const cases = [
    ["/dev/zero", "no regular file"],
    [fifo, "no regular file"],
    [dir, "a directory"],
    [long, "1600000 bytes, more than 1048576"],
    [`${dir}/none`, "no such file"],
    [`${long}/none`, "Not a directory (os error 20)"],
  ] as const;
  for (const [file, found] of cases) {
    const { config, findings } = checkFile(file, Date.now());
    assert.equal(config, undefined);
    assert.deepEqual(findings, [{ file, line: 1, column: 1, path: "", found, expected: "a config file in UTF-8" }]);
    assert.throws(() => loadConfig(file), UsageError);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("check --json prints an object when there is no file", async () => {
  // It printed nothing on stdout.
  const { code, stdout, stderr } = await dlba("check", "--json", "/none\u001b[31m");
  assert.equal(code, 2);
  const finding = { line: 1, column: 1, path: "", found: "no such file", expected: "a config file in UTF-8" };
  assert.deepEqual(JSON.parse(stdout), { ok: false, findings: [{ file: "/none\u001b[31m", ...finding }] });
  assert.equal(stderr, "/none\\x1b[31m:1:1: found no such file, expected a config file in UTF-8\n");
});
