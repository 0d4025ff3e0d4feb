/** Runs SYNs of random ports through a program of its own over pinned maps: hammer.ts FOLDER SIZE SECONDS. Prints how many. */
import { BpfMap, possibleCpus } from "../../ffi/bpf.ts";
import { loadProgram } from "../../core/scheduler/bpf/object.ts";
import { type SegmentName, segmentSizes } from "../../core/scheduler/tables.ts";
import { tcpFrame } from "./frames.ts";

if (import.meta.main) {
  const [folder, size, seconds] = [Deno.args[0]!, Number(Deno.args[1]), Number(Deno.args[2])];
  const rows = possibleCpus();
  const maps = new Map(
    (Object.keys(segmentSizes(size, rows)) as SegmentName[]).map((name) => [name, BpfMap.pinned(`${folder}/${name}`)!]),
  );
  const program = loadProgram(size, rows, maps);
  const frames = Array.from({ length: size }, (_, port) => Uint8Array.from(tcpFrame({ fromPort: port })));
  const out = new Uint8Array(2048);
  const end = performance.now() + seconds * 1000;
  let count = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 1000; i++, count++) program.testRun(frames[Math.floor(Math.random() * size)]!, out);
  }
  console.log(count);
}
