/** The xdp engine's tables in the kernel's memory: adopted by the next process, begun anew where they are another version's. */
import assert from "node:assert/strict";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { detachPinned, PinnedProgram } from "../../core/scheduler/pinned_program.ts";
import { Settings } from "../../core/scheduler/settings.ts";
import { openPinnedTables } from "../../core/scheduler/table_maps.ts";
import { BpfMap } from "../../ffi/bpf.ts";

const ignore = whyNoNamespaces() !== undefined;
const SIZE = 1024;
const MARK = 5, NODE = 2;

/** Gives a folder whose tables have a bucket marked, and takes it away afterwards. */
function withPins(work: (folder: string) => void): void {
  const dir = Deno.makeTempDirSync(), folder = `${dir}/bpf`;
  try {
    const program = new PinnedProgram(folder, SIZE);
    program.tables.buckets.setNode(MARK, NODE);
    program.close();
    work(folder);
  } finally {
    detachPinned(folder);
    Deno.removeSync(dir, { recursive: true });
  }
}

/** What the next process finds of the mark, with a table of that size. */
function markAfterStart(folder: string, size: number): number {
  const program = new PinnedProgram(folder, size);
  try {
    const reader = openPinnedTables(folder)!;
    assert.equal(reader.buckets.size, size);
    assert.equal(reader.buckets.node(MARK), program.tables.buckets.node(MARK), "a reader sees the same table");
    reader.close();
    return program.tables.buckets.node(MARK);
  } finally {
    program.close();
  }
}

function mappedMaps(): number {
  return Deno.readTextFileSync("/proc/self/maps").split("\n").filter((line) => line.includes("bpf-map")).length;
}

Deno.test({
  name: "the next process adopts the pinned tables, and begins anew with another size",
  ignore,
  fn: () =>
    withPins((folder) => {
      assert.equal(markAfterStart(folder, SIZE), NODE);
      assert.equal(markAfterStart(folder, SIZE * 2), -1);
      assert.equal(markAfterStart(folder, SIZE), -1);
    }),
});

Deno.test({
  name: "a table of another size answers for the VIPs as long as the one before would have",
  ignore,
  fn: () =>
    withPins((folder) => {
      const before = openPinnedTables(folder)!;
      before.settings.serveUntil(1000, 50);
      before.close();
      const program = new PinnedProgram(folder, SIZE * 2);
      const { activeUntil, forwardUntil } = program.tables.settings;
      program.close();
      assert.deepEqual([activeUntil, forwardUntil], [1000, 1050]);
    }),
});

Deno.test({
  name: "pinned tables of another version are refused to a reader, and replaced by the next process",
  ignore,
  fn: () =>
    withPins((folder) => {
      const map = BpfMap.pinned(`${folder}/settings`)!;
      const settings = map.map(Settings.BYTES);
      map.close();
      new Uint32Array(settings.buffer)[1]! += 1;
      settings.close();
      assert.throws(() => openPinnedTables(folder), /bpf holds no tables of this version of dlba/);
      assert.equal(markAfterStart(folder, SIZE), -1);
    }),
});

Deno.test({
  name:
    "pinned maps of another layout are refused to a reader, who keeps none of them mapped, and replaced by the next process",
  ignore,
  fn: () =>
    withPins((folder) => {
      const before = mappedMaps();
      // The members' map is smaller than the captures'.
      Deno.removeSync(`${folder}/captures`);
      Deno.renameSync(`${folder}/members`, `${folder}/captures`);
      for (let i = 0; i < 3; i++) assert.throws(() => openPinnedTables(folder), /No .*members|Cannot map/);
      assert.equal(mappedMaps(), before);
      // Settings of another length.
      Deno.renameSync(`${folder}/captures`, `${folder}/settings`);
      assert.throws(() => openPinnedTables(folder), /bpf holds no tables of this version of dlba/);
      assert.equal(markAfterStart(folder, SIZE), -1);
    }),
});
