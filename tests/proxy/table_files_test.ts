import assert from "node:assert/strict";
import { loadConfig } from "../../core/config/load.ts";
import { BackEndTable } from "../../core/proxy/back_end_table.ts";
import { createTable, moveTable, othersServe, ProxyTables } from "../../core/proxy/table_files.ts";
import { Mapping } from "../../ffi/mapping.ts";

/** A config of two back ends; the second one's address as given. */
function configOf(dir: string, address: string) {
  const file = `${dir}/dlba.yaml`;
  Deno.writeTextFileSync(
    file,
    `array: { name: test, vip: 192.0.2.10 }
nodes: [{ id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: lo }]
pools: [{ name: web, back_ends: [{ key: 1, address: "127.0.0.1:1" }, { key: 2, address: "${address}" }] }]
`,
  );
  return loadConfig(file);
}

/** A process id that nobody has: above the kernel's limit. */
const NOBODY = 5_000_000;

Deno.test("ProxyTables counts what ended processes counted, without what they had open, once", () => {
  const dir = Deno.makeTempDirSync();
  const config = configOf(dir, "127.0.0.1:2");
  const reader = new ProxyTables(dir);
  const sum = (pick: (table: BackEndTable) => number) => reader.read().reduce((total, table) => total + pick(table), 0);

  const ended = Mapping.create(`${dir}/serve-0-${NOBODY}.tables`, BackEndTable.bytes(config));
  const before = new BackEndTable(ended.buffer);
  assert.deepEqual(reader.read(), [], "a file whose process has not begun is not read");
  before.begin(config);
  before.hit(1, 1);
  before.responded(1, 30);
  before.opened(1, 1);
  before.clients(1);
  before.request(false);
  const hits = () => [sum((table) => table.row(1).hits), sum((table) => table.row(1).responseMs)];
  const open = () => [sum((table) => table.row(1).open), sum((table) => table.totals.clientsOpen)];
  assert.deepEqual([hits(), open()], [[1, 30], [0, 0]]);

  const other = createTable(dir, 1, config);
  assert.deepEqual(hits(), [1, 30], "another worker leaves the file alone");
  const { mapping, table } = createTable(dir, 0, config);
  assert.deepEqual(hits(), [1, 30], "the same worker takes the counts over");
  table.hit(1, 1);
  table.opened(1, 1);
  assert.deepEqual([hits(), open()], [[2, 30], [1, 0]]);
  assert.equal([...Deno.readDirSync(dir)].filter(({ name }) => name.endsWith(".tables")).length, 2);

  const next = configOf(dir, "127.0.0.1:3");
  table.hit(0, 1);
  table.request(false);
  const moved = moveTable(dir, 0, table, next);
  mapping.close();
  const named = (name: string) => reader.read().map((table) => table.rowNamed(name)?.hits);
  assert.deepEqual(named("web 1 127.0.0.1:1").toSorted(), [0, 1], "a back end that stays keeps its counts");
  assert.deepEqual(named("web 2 127.0.0.1:3").toSorted(), [0, undefined], "one that is new has none");
  assert.deepEqual(
    named("web 2 127.0.0.1:2").toSorted(),
    [0, undefined],
    "who has the config before reads what is there",
  );
  assert.equal(sum((table) => table.totals.requests), 2);
  table.hit(0, 1);
  table.hit(2, 1);
  assert.deepEqual(named("web 1 127.0.0.1:1").toSorted(), [0, 2]);
  for (const each of [ended, other.mapping, moved]) each.close();
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("a process that got the number of an ended one is not taken for it", () => {
  const dir = Deno.makeTempDirSync();
  const config = configOf(dir, "127.0.0.1:2");
  const { mapping: own } = createTable(dir, 0, config);
  // This process's number, and another start.
  const ended = Mapping.create(`${dir}/serve-1-${Deno.pid}-1.tables`, BackEndTable.bytes(config));
  const before = new BackEndTable(ended.buffer);
  before.begin(config);
  before.hit(1, 1);
  before.opened(1, 1);
  const reader = new ProxyTables(dir);
  const sum = (pick: (table: BackEndTable) => number) => reader.read().reduce((total, table) => total + pick(table), 0);
  const counted = () => [sum((table) => table.row(1).hits), sum((table) => table.row(1).open)];
  assert.deepEqual(counted(), [1, 0], "what it had open is open no more");
  const { mapping } = createTable(dir, 1, config);
  assert.deepEqual(counted(), [1, 0]);
  assert.equal([...Deno.readDirSync(dir)].filter(({ name }) => name.endsWith(".tables")).length, 2, "its file is gone");
  for (const each of [own, ended, mapping]) each.close();
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("a process of an older version, whose file bears no start, is one of those that run", () => {
  const dir = Deno.makeTempDirSync();
  const config = configOf(dir, "127.0.0.1:2");
  assert.equal(othersServe(dir), false);
  const old = Mapping.create(`${dir}/serve-0-1.tables`, BackEndTable.bytes(config));
  assert.equal(othersServe(dir), true);
  const { mapping } = createTable(dir, 0, config);
  assert.ok(Deno.statSync(`${dir}/serve-0-1.tables`).isFile);
  for (const each of [old, mapping]) each.close();
  Deno.removeSync(dir, { recursive: true });
});
