/** The README's "A first array", typed as it stands. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "./dlba.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Every file below the folder, by its path. */
function files(dir: string, below = ""): string[] {
  return [...Deno.readDirSync(`${dir}/${below}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? files(dir, `${below}${name}/`) : [`${below}${name}`]
  ).sort();
}

Deno.test("the README's first steps make an array that check accepts, and give a node no key but its own", async () => {
  // /etc/dlba was not there, check failed for want of a certificate, and every node got ca.key and the keys of all.
  const text = await Deno.readTextFile(`${ROOT}README.md`);
  const section = text.slice(text.indexOf("## A first array"));
  const [make, copy] = [...section.matchAll(/^```\n(.*?)^```$/gms)].map(([, block]) => block!);
  const dir = await Deno.makeTempDir();
  const [here, there] = [`${dir}/here`, `${dir}/there`];
  const bash = (script: string) =>
    run("bash", ["-euo", "pipefail", "-c", script.replaceAll("npx -y deno@2.9.6", Deno.execPath())], ROOT);

  // The default of --config is the path that the steps name.
  const made = await bash(make!.replace("dlba init", "$& --config /etc/dlba/dlba.yaml").replaceAll("/etc/dlba", here));
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /dlba\.yaml: ok, array shop: 3 nodes/);

  const remote = copy!.replace(/ssh \S+ ('.*')/, (_, command) => `sh -c ${command.replaceAll("/etc/dlba", there)}`);
  const copied = await bash(remote.replaceAll("/etc/dlba", here));
  assert.equal(copied.code, 0, copied.stderr);
  assert.deepEqual(files(there), [
    "dlba.yaml",
    "secrets/array.key",
    "secrets/ca.crt",
    "secrets/nodes/node-b.crt",
    "secrets/nodes/node-b.key",
    "tls/shop.example.crt",
    "tls/shop.example.key",
  ]);
  const checked = await bash(`${make!.split("\n")[0]}\ndlba check ${there}/dlba.yaml`);
  assert.equal(checked.code, 0, checked.stderr);
  await Deno.remove(dir, { recursive: true });
});
