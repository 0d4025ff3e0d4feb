/** `dlba init` among files that are not as it left them. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dlba } from "../config/dlba.ts";

const EXAMPLE = new URL("../../examples/shop.yaml", import.meta.url).pathname;

async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  await Deno.copyFile(EXAMPLE, `${dir}/dlba.yaml`);
  await work(dir);
  await Deno.remove(dir, { recursive: true });
}

/** Runs init, which must refuse in one line. */
async function refused(dir: string, reason: RegExp, ...flags: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await dlba("init", "--config", `${dir}/dlba.yaml`, ...flags);
  assert.match(stderr, reason);
  assert.deepEqual({ code, stdout, lines: stderr.split("\n").length }, { code: 2, stdout: "", lines: 2 });
}

Deno.test("init --self-signed refuses what is no host, and makes nothing", async () => {
  // node-forge's stack was printed, with the secrets made already.
  await inFolder(async (dir) => {
    for (const host of ["1.2.3", ".", "..", "a..b", "-a", "../x"]) {
      await refused(dir, /^Neither a host name nor an IP address: /, `--self-signed=${host}`);
    }
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["dlba.yaml"]);
  });
});

Deno.test("init names a CA that is none", async () => {
  // `Invalid PEM formatted message` was printed with its stack.
  await inFolder(async (dir) => {
    assert.equal((await dlba("init", "--config", `${dir}/dlba.yaml`)).code, 0);
    const cert = `${dir}/secrets/ca.crt`;
    const other = await Deno.readTextFile(`${dir}/secrets/nodes/node-a.crt`);
    for (const text of ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", other]) {
      await Deno.writeTextFile(cert, text);
      await refused(dir, /ca\.crt and .*ca\.key are no certificate and its key: restore them, or remove /);
    }
    await Deno.remove(cert);
    await Deno.mkdir(cert);
    await refused(dir, /^Cannot read .*ca\.crt: found a directory$/m);
  });
});

Deno.test("init names a file that is in the way of its folder", async () => {
  // `File exists` was printed with a stack.
  await inFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/secrets`, "");
    await refused(dir, /^Cannot make the folder .*\/secrets: a file is in its way$/m);
  });
});

Deno.test("init names a folder that is in the way of its file", async () => {
  // The error of the operating system was printed with a stack.
  await inFolder(async (dir) => {
    await Deno.mkdir(`${dir}/secrets/array.key.new/x`, { recursive: true });
    await refused(dir, /^Cannot write .*array\.key: /);
    await Deno.remove(`${dir}/secrets`, { recursive: true });
    await Deno.mkdir(`${dir}/secrets/array.key`, { recursive: true });
    await refused(dir, /^Cannot read .*array\.key: found a directory$/m);
  });
});

Deno.test("init makes a secret that nobody else can read, whatever an interrupted run left", async () => {
  // An array.key.new of mode 0644 gave its mode to the secret; a link would have had the secret written behind it.
  await inFolder(async (dir) => {
    await Deno.mkdir(`${dir}/secrets`);
    await Deno.writeTextFile(`${dir}/secrets/array.key.new`, "left", { mode: 0o644 });
    await Deno.symlink(`${dir}/elsewhere`, `${dir}/secrets/ca.key.new`);
    assert.equal((await dlba("init", "--config", `${dir}/dlba.yaml`)).code, 0);
    for (const name of ["array.key", "ca.key"]) {
      const { mode, isFile } = await Deno.lstat(`${dir}/secrets/${name}`);
      assert.deepEqual([mode! & 0o777, isFile], [0o600, true]);
    }
    assert.ok(!existsSync(`${dir}/elsewhere`));
  });
});
