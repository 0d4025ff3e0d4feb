/** A node of a {@linkcode TestArray} as a process of its own: DIR with dlba.yaml in it, NAME. */
import { dirname } from "node:path";
import { TestNode } from "./array.ts";

const [file, name] = Deno.args;
const node = new TestNode({ file: file!, text: Deno.readTextFileSync(file!), dir: dirname(file!) }, name!);
await node.start();
console.log("ready");
