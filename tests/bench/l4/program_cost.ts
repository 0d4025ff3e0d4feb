/** Nanoseconds of the program a frame, by bpf_prog_test_run on a frame that a step before it varies. */
import { bootSeconds } from "../../../ffi/clock.ts";
import { BpfProgram, possibleCpus } from "../../../ffi/bpf.ts";
import { mapNameOf } from "../../../core/scheduler/bpf/object.ts";
import { mapTables } from "../../../core/scheduler/table_maps.ts";
import type { SchedulerTables } from "../../../core/scheduler/tables.ts";
import { arrayOver, testConfig } from "../../scheduler/array.ts";
import { tcpFrame } from "../../scheduler/frames.ts";
import { type Bar, bar, median, type Row, row } from "../report.ts";

const SIZES = [1024, 65_536, 1_048_576] as const;
const NODES = 3;
const RUNS = 1_000_000;
const HOT_LIMIT_NS = 60;
const RANDOM_LIMIT_NS = 40;
const NAMES = ["hot_nothing", "hot_dlba", "random_lookup", "random_dlba"] as const;

type Name = typeof NAMES[number];

export function programCost(object: string, rounds: number): { rows: Row[]; bars: Bar[] } {
  const rows: Row[] = [];
  let hot = 0, overLookup = -Infinity;
  for (const size of SIZES) {
    const samples = measure(Deno.readFileSync(object), size, rounds);
    for (const name of NAMES) rows.push(row(`l4.program.${size}.${name}`, "ns/frame", samples[name]));
    // A round's figures are neighbours in time: on a shared machine the difference within it holds, not that of two medians.
    const over = (one: Name, other: Name) => median(samples[one].map((value, round) => value - samples[other][round]!));
    hot = Math.max(hot, over("hot_dlba", "hot_nothing"));
    overLookup = Math.max(overLookup, over("random_dlba", "random_lookup"));
  }
  return {
    rows,
    bars: [
      bar("l4.xdp.hot_ns", hot, HOT_LIMIT_NS, "lower"),
      bar("l4.xdp.random_ns_over_lookup", overLookup, RANDOM_LIMIT_NS, "lower"),
    ],
  };
}

function measure(elf: Uint8Array<ArrayBuffer>, size: number, rounds: number): Record<Name, number[]> {
  const samples: Record<Name, number[]> = { hot_nothing: [], hot_dlba: [], random_lookup: [], random_dlba: [] };
  const rows = possibleCpus(), out = new Uint8Array(2048);
  const frame = Uint8Array.from(tcpFrame({ flags: 16 }));
  const programs = NAMES.map((name) => {
    const program = BpfProgram.load(elf, name, { buckets: size, counts: rows });
    const tables = mapTables((map, bytes) => program.mapOf(mapNameOf(map), bytes), size, rows);
    tables.adopt();
    assignAll(tables, size);
    return { name, program, tables };
  });
  // The first round warms up and is not counted.
  for (let round = -1; round < rounds; round++) {
    for (const { name, program } of programs) {
      const { nanoseconds } = program.testRun(frame, out, RUNS);
      if (round >= 0) samples[name].push(nanoseconds);
    }
  }
  for (const { program, tables } of programs) {
    tables.close();
    program.close();
  }
  return samples;
}

/** Every bucket assigned, and in use. */
function assignAll(tables: SchedulerTables, size: number): void {
  arrayOver(testConfig(Array(NODES).fill({}), { table_size: size, bucket_timeout: "5m" }), tables);
  const now = bootSeconds();
  for (let bucket = 0; bucket < size; bucket++) {
    tables.buckets.setNode(bucket, 1 + bucket % (NODES - 1));
    tables.buckets.touch(bucket, now);
  }
}
