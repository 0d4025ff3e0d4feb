/** The xdp engine's tables: BPF maps, mapped, pinned in a folder of the node so that they outlive the engine's process. */
import { BpfMap } from "../../ffi/bpf.ts";
import type { Mapping } from "../../ffi/mapping.ts";
import { Settings } from "./settings.ts";
import { SchedulerTables, type Segment, type SegmentName, segmentSizes } from "./tables.ts";

/** Maps each segment by the function. */
export function mapTables(
  map: (name: SegmentName, bytes: number) => Mapping,
  size: number,
  rows: number,
): SchedulerTables {
  const mappings = Object.entries(segmentSizes(size, rows)).map(([name, { entries, bytes }]) => {
    // An array map's values are apart by a multiple of eight bytes.
    return [name, map(name as SegmentName, Math.ceil(bytes / 8) * 8 * entries)] as const;
  });
  const segments = mappings.map(([name, { buffer }]): [string, Segment] => [name, { buffer, offset: 0 }]);
  return new SchedulerTables(Object.fromEntries(segments) as Record<SegmentName, Segment>, size, rows, () => {
    for (const [, mapping] of mappings) mapping.close();
  });
}

/** A reader's: the tables pinned in the folder; undefined where there are none. */
export function openPinnedTables(folder: string): SchedulerTables | undefined {
  const first = BpfMap.pinned(`${folder}/settings`);
  if (!first) return undefined;
  const mapping = first.map(Settings.BYTES);
  first.close();
  const { size, rows } = new Settings(mapping.buffer, 0);
  mapping.close();
  return mapTables((name, bytes) => mapPinned(`${folder}/${name}`, bytes), size, rows);
}

function mapPinned(path: string, bytes: number): Mapping {
  const map = BpfMap.pinned(path);
  if (!map) throw new Error(`No ${path}: the tables are not whole`);
  try {
    return map.map(bytes);
  } finally {
    map.close();
  }
}
