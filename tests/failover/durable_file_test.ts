import assert from "node:assert/strict";
import fc from "fast-check";
import { DurableFile, type Kept } from "../../core/failover/durable_file.ts";
import { UsageError } from "../../core/errors.ts";
import "../soak.ts";

const kept = (promised: number): Kept => ({
  boot: 5,
  promised,
  membership: { epoch: promised, sequence: 1, members: [0, 1, 2] },
});

async function withFile(run: (path: string) => void): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    run(`${dir}/state/failover`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function readBack(path: string): Kept | undefined {
  const file = new DurableFile(path);
  file.close();
  return file.kept;
}

function write(path: string, ...all: Kept[]): void {
  const file = new DurableFile(path);
  all.forEach((each) => file.write(each));
  file.close();
}

Deno.test("DurableFile keeps the last write over processes, and is nobody else's to read", () =>
  withFile((path) => {
    assert.equal(readBack(path), undefined);
    write(path, kept(256), kept(513));
    assert.deepEqual(readBack(path), kept(513));
    write(path, kept(768));
    assert.deepEqual(readBack(path), kept(768));
    assert.equal(Deno.statSync(path).mode! & 0o077, 0);
  }));

Deno.test("a write that a crash tears, wherever, leaves the one before or itself", () =>
  withFile((path) => {
    write(path, kept(256), kept(513));
    const before = Deno.readFileSync(path);
    write(path, kept(768));
    const after = Deno.readFileSync(path);
    fc.assert(fc.property(fc.nat(after.length), fc.boolean(), (at, fromBehind) => {
      const torn = fromBehind ? joined(before, after, at) : joined(after, before, at);
      Deno.writeFileSync(path, torn);
      const found = readBack(path)!;
      assert.ok(found.promised === 513 || found.promised === 768, String(found.promised));
    }));
  }));

Deno.test("a first write that a crash tears leaves nothing, which is what was acknowledged", () =>
  withFile((path) => {
    write(path, kept(256));
    const whole = Deno.readFileSync(path);
    Deno.writeFileSync(path, whole.fill(0, whole.length - 4090));
    assert.equal(readBack(path), undefined);
  }));

Deno.test("DurableFile refuses a file that is something else: forgetting a vote would be worse", () =>
  withFile((path) => {
    write(path, kept(256));
    Deno.writeFileSync(path, new Uint8Array(8192).fill(65));
    assert.throws(() => new DurableFile(path), (error) => error instanceof UsageError && error.message.includes(path));
  }));

Deno.test({
  name: "a disk that is full later takes votes still; one that is full already is said in a line",
  ignore: Deno.uid() !== 0,
  async fn() {
    // Two slots, and a page each of two folders and of what fills it.
    await withDisk(5 * 4096, (disk) => {
      const file = new DurableFile(`${disk}/state/failover`);
      assert.throws(() => Deno.writeFileSync(`${disk}/log`, new Uint8Array(1 << 20)), /No space left/);
      for (const promised of [256, 513, 768]) file.write(kept(promised));
      file.close();
      assert.deepEqual(readBack(`${disk}/state/failover`), kept(768));
      assert.throws(
        () => new DurableFile(`${disk}/other/failover`),
        (error) => error instanceof UsageError && /^Cannot keep votes in .*: No space left/.test(error.message),
      );
    });
  },
});

async function withDisk(bytes: number, run: (path: string) => void): Promise<void> {
  const path = await Deno.makeTempDir();
  const must = async (program: string, ...args: string[]) => {
    const { success, stderr } = await new Deno.Command(program, { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  try {
    await must("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "dlba-test", path);
    try {
      run(path);
    } finally {
      await must("umount", path);
    }
  } finally {
    await Deno.remove(path);
  }
}

function joined(head: Uint8Array, tail: Uint8Array, at: number): Uint8Array {
  return new Uint8Array([...head.subarray(0, at), ...tail.subarray(at)]);
}
