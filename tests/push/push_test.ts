/** `dlba push-config`, `dlba config` and overrides on an array of three nodes. */
import assert from "node:assert/strict";
import { dlba, type Output } from "../config/dlba.ts";
import { eventually } from "../proxy/eventually.ts";
import { TestArray } from "./array.ts";

const numbers = ({ nodes }: TestArray) => nodes.map(({ number }) => number);

function did({ code, stdout, stderr }: Output, status = 0): string {
  assert.equal(code, status, stdout + stderr);
  return stdout + stderr;
}

Deno.test("push-config brings a version to all nodes, shows what changes, and it can be taken back", () =>
  TestArray.with(async (array) => {
    const flags = ["--config", array.file];
    array.write("proxy: { workers: 3 }\n");
    const dry = did(await dlba("push-config", "--dry-run", array.file));
    assert.match(dry, /^\+ proxy: \{"workers":3\}$/m);
    assert.deepEqual(numbers(array), [0, 0, 0]);
    assert.match(did(await dlba("push-config", array.file)), /^Version 1 runs on a, b, c$/m);
    assert.deepEqual(numbers(array), [1, 1, 1]);
    assert.equal(Deno.readTextFileSync(`${array.nodes[1]!.dir}/run/dlba.yaml`), Deno.readTextFileSync(array.file));
    array.write("proxy: { workers: 4 }\n");
    assert.match(did(await dlba("push-config", array.file)), /^~ proxy\.workers: 3 -> 4$/m);
    const history = did(await dlba("config", "history", ...flags));
    assert.match(history, /^0 .*own file\n1 .*by operator\n2 .*by operator\n$/);
    assert.match(did(await dlba("config", "show", "1", ...flags)), /workers: 3/);
    assert.match(did(await dlba("config", "diff", "0", "2", ...flags)), /^\+ proxy: \{"workers":4\}$/m);
    assert.match(did(await dlba("config", "rollback", "1", ...flags)), /^Version 3 runs on a, b, c$/m);
    assert.match(array.nodes[2]!.configuration.current.text, /workers: 3/);
    assert.match(did(await dlba("config", "status", ...flags)), /^c {2}version 3 /m);
    const [staged, committed] = array.nodes[0]!.audit;
    assert.deepEqual([staged?.action, staged?.who, committed?.action], ["stage", "operator", "commit"]);
  }));

Deno.test("a push that a node is not there for is refused, or with --quorum leaves it to catch up within 2 s", () =>
  TestArray.with(async (array) => {
    const [a, b, c] = array.nodes as [TestArray["nodes"][0], TestArray["nodes"][0], TestArray["nodes"][0]];
    await c.stop();
    array.write("proxy: { workers: 3 }\n");
    assert.match(did(await dlba("push-config", array.file), 1), /Nothing was changed: 2 of 3 .*\n {2}Node c /);
    assert.deepEqual([a.number, b.number], [0, 0]);
    assert.match(did(await dlba("push-config", "--quorum", "2", array.file)), /runs on a, b\nWithout it.*Node c /);
    await c.start();
    const begun = performance.now();
    await eventually(() => assert.ok(c.number === 1));
    assert.ok(performance.now() - begun < 2000, `${performance.now() - begun} ms`);
    assert.match(c.lines.at(-1)!, /takes version 1 by operator from [ab], in place of 0/);
  }));

Deno.test("a version that a node's roles cannot take up is undone everywhere", () =>
  TestArray.with(async (array) => {
    array.write("proxy: { workers: 3 }\n");
    array.nodes[1]!.failure = "no memory";
    const said = did(await dlba("push-config", array.file), 1);
    assert.match(said, /^Undone by version 2, .*\n {2}Node b cannot take it up: serve 0: no memory$/m);
    await eventually(() => assert.ok(numbers(array).every((number) => number === 2)));
    for (const { configuration } of array.nodes) assert.equal(configuration.current.text, array.text);
  }));

Deno.test("what one node refuses is put in force on none, and leaves nothing staged", () =>
  TestArray.with(async (array) => {
    // Node c is not in it.
    array.write("", ["a", "b"]);
    const text = Deno.readTextFileSync(array.file);
    array.write("", ["a", "b", "x"]);
    const said = did(await dlba("push-config", array.file), 1);
    assert.match(said, /Nothing was changed/);
    assert.match(said, /Node x: node c of the array test answers there/);
    for (const { configuration } of array.nodes) assert.equal(configuration.state().staged, null);
    assert.deepEqual(numbers(array), [0, 0, 0]);
    Deno.writeTextFileSync(array.file, text);
    did(await dlba("push-config", array.file));
    assert.deepEqual(numbers(array).slice(0, 2), [1, 1]);
    await eventually(() =>
      assert.ok(array.nodes[2]!.lines.some((line) => /found none named c, which runs here/.test(line)))
    );
  }));

Deno.test("overrides hold on all nodes, over a push and a restart, and end by themselves or by hand", () =>
  TestArray.with(async (array) => {
    const flags = ["--config", array.file];
    const [a, , c] = array.nodes;
    const forRoles = () =>
      JSON.parse(Deno.readTextFileSync(`${c!.dir}/run/overrides.json`)) as { what: string; name: string }[];
    did(await dlba("drain", "web/1", ...flags));
    assert.match(did(await dlba("weight", "b", "7", ...flags)), /node b: weight 7, by operator/);
    array.write("proxy: { workers: 3 }\n");
    did(await dlba("push-config", array.file));
    await c!.stop();
    did(await dlba("disable", "2", ...flags));
    await c!.start();
    await eventually(() => assert.ok(forRoles().length === 3));
    assert.match(
      did(await dlba("config", "status", ...flags)),
      /back end 1: drain.*\nnode b: weight 7.*\nback end 2: disable/,
    );
    did(await dlba("enable", "2", ...flags));
    did(await dlba("weight", "b", "default", ...flags));
    assert.deepEqual(forRoles().map(({ what, name }) => [what, name]), [["drain", "1"]]);
    did(await dlba("enable", "web/1", ...flags));
    did(await dlba("drain", "a", "--until", "3s", ...flags));
    assert.equal(forRoles().length, 1);
    await eventually(() => assert.ok(forRoles().length === 0));
    assert.match(did(await dlba("drain", "nobody", ...flags), 2), /^No node and no back end nobody: /);
    assert.ok(a!.audit.some(({ action, outcome }) => action === "overrides" && outcome === "done"));
  }));
