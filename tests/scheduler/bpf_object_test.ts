import assert from "node:assert/strict";
import { buildObject, objectOf, SOURCES } from "../../core/scheduler/bpf/build.ts";
import { NodeTable } from "../../core/scheduler/node_table.ts";
import { MAX_VIPS, Settings } from "../../core/scheduler/settings.ts";
import { segmentSizes } from "../../core/scheduler/tables.ts";
import { VERDICT_NAMES } from "../../core/scheduler/verdicts.ts";

const FOLDER = new URL("../../core/scheduler/bpf/", import.meta.url);

/** Sections of a little-endian 64-bit ELF file that the kernel takes: elf(5). */
function sectionsOf(elf: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(elf.buffer, elf.byteOffset);
  const tableAt = Number(view.getBigUint64(0x28, true)), size = view.getUint16(0x3a, true);
  const header = (index: number) => tableAt + index * size;
  const content = (at: number) =>
    elf.subarray(
      Number(view.getBigUint64(at + 24, true)),
      Number(view.getBigUint64(at + 24, true) + view.getBigUint64(at + 32, true)),
    );
  const names = content(header(view.getUint16(0x3e, true)));
  const sections = new Map<string, Uint8Array>();
  for (let i = 0; i < view.getUint16(0x3c, true); i++) {
    const from = view.getUint32(header(i), true);
    const name = new TextDecoder().decode(names.subarray(from, names.indexOf(0, from)));
    if (/^(\.text|xdp.*|\.maps|license|\.rodata.*|\.rel(\.text|xdp.*))$/.test(name)) {
      sections.set(name, content(header(i)).slice());
    }
  }
  return sections;
}

for (const source of SOURCES) {
  Deno.test(`the committed object of ${source} is what its source gives, instruction for instruction`, async () => {
    const file = await Deno.makeTempFile();
    try {
      await buildObject(source, file);
      const built = sectionsOf(Deno.readFileSync(file));
      const committed = sectionsOf(Deno.readFileSync(objectOf(source)));
      assert.ok([...committed.keys()].some((name) => name.startsWith("xdp")));
      assert.deepEqual([...built.keys()], [...committed.keys()]);
      for (const [name, bytes] of built) assert.deepEqual(bytes, committed.get(name), `${name}: run deno task bpf`);
    } finally {
      await Deno.remove(file);
    }
  });
}

Deno.test("tables.h has the verdicts of verdicts.ts in their order, and the sizes of tables.ts", async () => {
  const header = Deno.readTextFileSync(new URL("tables.h", FOLDER));
  const names = /enum verdict \{([^}]*)\}/.exec(header)![1]!.match(/\w+/g)!.map((name) => name.toLowerCase());
  assert.deepEqual(names, VERDICT_NAMES);
  const { counts, ports, members, fragments, buckets, captures } = segmentSizes(1024, 1);
  const sizes = {
    settings: Settings.BYTES,
    buckets: buckets.bytes,
    node: NodeTable.ROW_BYTES,
    counts: counts.bytes,
    ports: ports.bytes / (2 * MAX_VIPS),
    members: members.bytes,
    fragment: fragments.bytes,
    capture: captures.bytes,
  };
  const file = await Deno.makeTempFile({ suffix: ".c" });
  try {
    const asserts = Object.entries(sizes).map(([name, bytes]) =>
      `_Static_assert(sizeof(struct ${name}) == ${bytes}, "${name}");`
    );
    await Deno.writeTextFile(file, `#include "${new URL("tables.h", FOLDER).pathname}"\n${asserts.join("\n")}\n`);
    const args = ["-fsyntax-only", "--target=bpf", `-I/usr/include/${Deno.build.arch}-linux-gnu`, file];
    const { success, stderr } = await new Deno.Command("clang", { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(file);
  }
});
