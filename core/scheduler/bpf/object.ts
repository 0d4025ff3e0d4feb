/** The built program, committed beside its source: `deno task bpf` builds it again. */
import { type BpfMap, BpfProgram } from "../../../ffi/bpf.ts";
import { type SegmentName, segmentSizes } from "../tables.ts";

const PROGRAM = "dlba";
/** Segments that are variables of the program, by the section of each, which libbpf makes a map of. */
const SECTIONS: Readonly<Partial<Record<SegmentName, string>>> = {
  settings: ".data.settings",
  nodes: ".data.nodes",
  members: ".data.members",
  ports: ".bss",
};

/** Name of the map that holds the segment. */
export function mapNameOf(segment: SegmentName): string {
  return SECTIONS[segment] ?? segment;
}

/** Loads the scheduler's program with tables of this size: those given, else new ones. */
export function loadProgram(size: number, rows: number, maps?: ReadonlyMap<SegmentName, BpfMap>): BpfProgram {
  const elf = Deno.readFileSync(new URL("./dlba.bpf.o", import.meta.url));
  const { buckets, counts } = segmentSizes(size, rows);
  const named = maps && new Map([...maps].map(([segment, map]) => [mapNameOf(segment), map]));
  return BpfProgram.load(elf, PROGRAM, { buckets: buckets.entries, counts: counts.entries }, named);
}
