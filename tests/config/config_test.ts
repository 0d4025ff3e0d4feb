import assert from "node:assert/strict";
import fc from "fast-check";
import { didYouMean } from "../../core/config/did_you_mean.ts";
import { findingLine } from "../../core/config/findings.ts";
import { checkConfig, loadConfig } from "../../core/config/load.ts";
import { UsageError } from "../../core/errors.ts";
import { cases } from "../soak.ts";

const EXAMPLE = new URL("../../examples/shop.yaml", import.meta.url).pathname;
const example = Deno.readTextFileSync(EXAMPLE);

Deno.test("the example is sound", () => {
  const config = loadConfig(EXAMPLE);
  assert.equal(config.nodes.length, 3);
  assert.equal(config.pools[0]!.back_ends[2]!.weight, 2);
});

Deno.test("the example states each default as it is", () => {
  // Lines whose value is said to be the default, and the sections that have no others.
  const stated = /^ +\w+: (\S+) #.*\(default \1\).*\n/gm;
  assert.ok(example.match(stated)!.length >= 21);
  const small = example.replace(stated, "").replace(/^ {2}ports: .*\(default 80 and 443\).*\n/m, "");
  const { config } = checkConfig("small", small.replace(/^(scheduler|proxy|control):\n/gm, ""));
  assert.ok(config);
  const full = loadConfig(EXAMPLE);
  assert.deepEqual(config, full);
});

Deno.test("durations are read as milliseconds", () => {
  const config = loadConfig(EXAMPLE);
  assert.equal(config.scheduler.bucket_timeout, 300_000);
  assert.equal(config.proxy.head_timeout, 10_000);
});

Deno.test("loadConfig() throws a UsageError of one line a finding", () => {
  const file = new URL("bad/several_errors.yaml", import.meta.url).pathname;
  assert.throws(() => loadConfig(file), (error) => {
    assert.ok(error instanceof UsageError);
    const lines = error.message.split("\n");
    assert.equal(lines.length, 5);
    return lines.every((line) => line.startsWith(`${file}:`));
  });
});

Deno.test("checkConfig() gives a finding and never throws, whatever the text", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
    const { config, findings } = checkConfig("f", text);
    assert.ok(config || findings.length > 0);
  }));
});

Deno.test("checkConfig() gives a finding and never throws for a mutated example", () => {
  const mutation = fc.tuple(
    fc.nat(example.length - 1),
    fc.nat(40),
    fc.constantFrom("", " ", "0", "x", "[", "{", ":", "-", "\n", "null", "&a", "*a", "1e9"),
  );
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      let text = example;
      for (const [at, remove, insert] of mutations) text = text.slice(0, at) + insert + text.slice(at + remove);
      const { config, findings } = checkConfig("f", text);
      assert.ok(config || findings.length > 0);
      for (const finding of findings) {
        assert.match(findingLine(finding), /^f:[1-9]\d*:[1-9]\d*: .*found .+, expected .+/s);
      }
    }),
    cases(300),
  );
});

Deno.test("didYouMean() takes slips and leaves other words alone", () => {
  const keys = ["weight", "interface", "enabled", "id"];
  assert.equal(didYouMean("wieght", keys), "weight");
  assert.equal(didYouMean("inteface", keys), "interface");
  assert.equal(didYouMean("colour", keys), undefined);
  assert.equal(didYouMean("xy", keys), undefined);
});
