/** The xdp engine's tables: BPF maps, mapped, pinned in a folder of the node so that they outlive the engine's process. */
import { BpfMap } from "../../ffi/bpf.ts";
import type { Mapping } from "../../ffi/mapping.ts";
import { Settings } from "./settings.ts";
import { SchedulerTables, type Segment, type SegmentName, type Segments, segmentSizes } from "./tables.ts";

/** Maps each segment by the function; where it throws for one, none stays mapped. */
export function mapTables(
  map: (name: SegmentName, bytes: number) => Mapping,
  size: number,
  rows: number,
): SchedulerTables {
  const mappings: Mapping[] = [];
  const free = () => mappings.forEach((mapping) => mapping.close());
  const segments: Partial<Record<SegmentName, Segment>> = {};
  try {
    for (const [name, { entries, bytes }] of Object.entries(segmentSizes(size, rows))) {
      // An array map's values are apart by a multiple of eight bytes.
      const mapping = map(name as SegmentName, Math.ceil(bytes / 8) * 8 * entries);
      mappings.push(mapping);
      segments[name as SegmentName] = { buffer: mapping.buffer, offset: 0 };
    }
  } catch (error) {
    free();
    throw error;
  }
  return new SchedulerTables(segments as Segments, size, rows, free);
}

/** A reader's: the tables pinned in the folder; undefined where there are none. Throws Error where they are another version's. */
export function openPinnedTables(folder: string): SchedulerTables | undefined {
  const first = BpfMap.pinned(`${folder}/settings`);
  if (!first) return undefined;
  const shape = shapeOf(first);
  first.close();
  if (!shape) throw new Error(`${folder} holds no tables of this version of dlba`);
  const { size, rows } = shape;
  return mapTables((name, bytes) => mapPinned(`${folder}/${name}`, bytes), size, rows);
}

/** Buckets and rows of the tables that these settings are of; undefined where they are another version's, and their numbers may mean anything. */
export function shapeOf(map: BpfMap): { readonly size: number; readonly rows: number } | undefined {
  if (!map.fits(Settings.BYTES, 1)) return undefined;
  const mapping = map.map(Settings.BYTES);
  const settings = new Settings(mapping.buffer, 0);
  const { size, rows } = settings;
  const fits = settings.fits(size, rows);
  mapping.close();
  return fits ? { size, rows } : undefined;
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
