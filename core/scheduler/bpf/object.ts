/** The built program, committed beside its source: `deno task bpf` builds it again. */
import { type BpfMap, BpfProgram } from "../../../ffi/bpf.ts";
import { segmentSizes } from "../tables.ts";

const PROGRAM = "dlba";

/** Loads the scheduler's program with tables of this size: those given, else new ones. */
export function loadProgram(size: number, rows: number, maps?: ReadonlyMap<string, BpfMap>): BpfProgram {
  const elf = Deno.readFileSync(new URL("./dlba.bpf.o", import.meta.url));
  const { buckets, counts } = segmentSizes(size, rows);
  return BpfProgram.load(elf, PROGRAM, { buckets: buckets.entries, counts: counts.entries }, maps);
}
