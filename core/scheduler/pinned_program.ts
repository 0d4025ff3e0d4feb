/**
 * The XDP program, its tables and its place at the interface, pinned in a folder of the node: they go on when the process that made them
 * ends, and the next one takes them over.
 */
import { UsageError } from "../errors.ts";
import { BpfMap, type BpfProgram, possibleCpus, XdpLink, type XdpMode } from "../../ffi/bpf.ts";
import { isBpffs, mountBpffs, unmountBpffs } from "../../ffi/bpffs.ts";
import { loadProgram, mapNameOf } from "./bpf/object.ts";
import { Settings } from "./settings.ts";
import { mapTables, shapeOf } from "./table_maps.ts";
import { type SchedulerTables, type SegmentName, segmentSizes } from "./tables.ts";

/** Its name in the run folder. */
export const PIN_FOLDER = "bpf";
const MODES: readonly XdpMode[] = ["native", "generic"];

type Maps = ReadonlyMap<SegmentName, BpfMap>;

export class PinnedProgram {
  readonly tables: SchedulerTables;
  #folder: string;
  #program: BpfProgram;

  /** Loads this version's program over the tables that are pinned, where they fit, else over empty ones. Throws UsageError. */
  constructor(folder: string, size: number) {
    this.#folder = folder;
    mountBpffs(folder);
    const rows = possibleCpus();
    const maps = pinnedMaps(folder, size, rows);
    try {
      this.#program = loadProgram(size, rows, maps);
    } finally {
      maps?.forEach((map) => map.close());
    }
    this.tables = mapTables((name, bytes) => this.#program.mapOf(mapNameOf(name), bytes), size, rows);
    this.tables.adopt();
    if (maps) return;
    const before = pinnedService(folder);
    if (before) this.tables.settings.serveUntil(before.activeUntil, before.grace);
    for (const name of Object.keys(segmentSizes(size, rows)) as SegmentName[]) {
      unpin(`${folder}/${name}`);
      this.#program.pinMap(mapNameOf(name), `${folder}/${name}`);
    }
  }

  /**
   * Takes the place of the pinned program, or the interface in the first of the modes that it can. Returns the mode. Throws
   * UsageError with the reasons.
   */
  attach(interfaceName: string, modes: readonly XdpMode[]): XdpMode {
    for (const mode of MODES) {
      const link = XdpLink.pinned(this.#linkPath(mode));
      if (!link) continue;
      try {
        if (link.isAt(interfaceName) && modes.includes(mode)) {
          this.#program.replaceIn(link);
          return mode;
        }
        link.detach();
        unpin(this.#linkPath(mode));
      } finally {
        link.close();
      }
    }
    const reasons: string[] = [];
    for (const mode of modes) {
      try {
        const link = this.#program.attach(interfaceName, mode);
        link.pin(this.#linkPath(mode));
        link.close();
        return mode;
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
    throw new UsageError(`Cannot attach the XDP program: ${reasons.join("; ")}`);
  }

  /** The mode is in the link's name: the kernel does not tell it. */
  #linkPath(mode: XdpMode): string {
    return `${this.#folder}/link_${mode}`;
  }

  /** The kernel goes on. */
  close(): void {
    this.tables.close();
    this.#program.close();
  }
}

/** Takes program and tables away; true when there were any. */
export function detachPinned(folder: string): boolean {
  if (!isBpffs(folder)) return false;
  for (const mode of MODES) {
    const link = XdpLink.pinned(`${folder}/link_${mode}`);
    link?.detach();
    link?.close();
  }
  unmountBpffs(folder);
  return true;
}

/** The pinned maps, when all are there and of this version and size. */
function pinnedMaps(folder: string, size: number, rows: number): Maps | undefined {
  const maps = new Map<SegmentName, BpfMap>();
  for (const [name, { entries, bytes }] of Object.entries(segmentSizes(size, rows))) {
    const map = BpfMap.pinned(`${folder}/${name}`);
    if (map) maps.set(name as SegmentName, map);
    if (map?.fits(bytes, entries)) continue;
    maps.forEach((other) => other.close());
    return undefined;
  }
  const shape = shapeOf(maps.get("settings")!);
  if (shape?.size === size && shape.rows === rows) return maps;
  maps.forEach((map) => map.close());
  return undefined;
}

/**
 * How long the pinned tables still serve, where they are this version's, of whatever size: the VIPs are answered for as long by an empty table
 * too, also while a start looks for a rival.
 */
function pinnedService(folder: string): { readonly activeUntil: number; readonly grace: number } | undefined {
  const map = BpfMap.pinned(`${folder}/settings`);
  if (!map) return undefined;
  try {
    if (!shapeOf(map)) return undefined;
    const mapping = map.map(Settings.BYTES);
    const { activeUntil, forwardUntil } = new Settings(mapping.buffer, 0);
    mapping.close();
    return { activeUntil, grace: forwardUntil - activeUntil };
  } finally {
    map.close();
  }
}

function unpin(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
