/** Stages and commits one version in the folder that is named, and kills itself before the call of the system that is numbered. */
import { hashOf } from "../../core/push/version.ts";
import { VersionStore } from "../../core/push/version_store.ts";

const [dir, number, at] = Deno.args;
let calls = 0;
const store = new VersionStore(dir!, () => {
  if (calls++ === Number(at)) Deno.kill(Deno.pid, "SIGKILL");
});
const text = `version ${number}\n`.repeat(2000);
const version = { number: Number(number), hash: hashOf(text), author: "test", time: Number(number), text };
store.stage(version);
console.log("staged");
store.commit(version);
console.log(`committed after ${calls} calls`);
