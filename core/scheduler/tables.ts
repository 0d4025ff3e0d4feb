/**
 * The scheduler's tables, each over its segment of memory: ordinary memory in a test, a mapped file (pcap engine, table_file.ts) or mapped BPF
 * maps (xdp engine, table_maps.ts). bpf/tables.h has the same segments by the same names.
 */
import { BUCKET_BYTES, BucketTable } from "./bucket_table.ts";
import { CAPTURE_SLOTS, CaptureRing } from "./capture_ring.ts";
import { ChangeLog, type Changes, type Cursor } from "./changes.ts";
import { Counts } from "./counts.ts";
import { FRAGMENT_SLOTS, FragmentTable } from "./fragment_table.ts";
import { MemberTable } from "./member_table.ts";
import { NodeTable } from "./node_table.ts";
import { ServiceTable } from "./service_table.ts";
import { Settings } from "./settings.ts";

/** Entries and bytes of an entry, by segment. */
export function segmentSizes(size: number, rows: number) {
  return {
    settings: { entries: 1, bytes: Settings.BYTES },
    // Two in a value: those of a mapped BPF array are eight bytes apart.
    buckets: { entries: Math.ceil(size / 2), bytes: BUCKET_BYTES * 2 },
    nodes: { entries: 1, bytes: NodeTable.BYTES },
    counts: { entries: rows, bytes: Counts.ROW_BYTES },
    ports: { entries: 1, bytes: ServiceTable.BYTES },
    members: { entries: 1, bytes: MemberTable.BYTES },
    fragments: { entries: FRAGMENT_SLOTS, bytes: FragmentTable.SLOT_BYTES },
    captures: { entries: CAPTURE_SLOTS, bytes: CaptureRing.SLOT_BYTES },
  };
}

export type SegmentName = keyof ReturnType<typeof segmentSizes>;

export interface Segment {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
}

export type Segments = Readonly<Record<SegmentName, Segment>>;

export class SchedulerTables {
  readonly settings: Settings;
  readonly buckets: BucketTable;
  readonly nodes: NodeTable;
  readonly counts: Counts;
  readonly services: ServiceTable;
  readonly members: MemberTable;
  readonly fragments: FragmentTable;
  readonly captures: CaptureRing;
  #changes: ChangeLog | undefined;
  #free: () => void;

  /** @param free gives the memory back */
  constructor(segments: Segments, size: number, rows: number, free: () => void) {
    const { settings, buckets, nodes, counts, ports, members, fragments, captures } = segments;
    this.settings = new Settings(settings.buffer, settings.offset);
    this.buckets = new BucketTable(buckets.buffer, buckets.offset, size);
    this.nodes = new NodeTable(nodes.buffer, nodes.offset);
    this.counts = new Counts(counts.buffer, counts.offset, rows);
    this.services = new ServiceTable(ports.buffer, ports.offset);
    this.members = new MemberTable(members.buffer, members.offset);
    this.fragments = new FragmentTable(fragments.buffer, fragments.offset);
    this.captures = new CaptureRing(captures.buffer, captures.offset, this.settings);
    this.#free = free;
  }

  /** Takes the content as it is where it fits; an empty table otherwise. */
  adopt(): void {
    const { size } = this.buckets;
    if (this.settings.fits(size, this.counts.rows)) return;
    this.buckets.clear();
    this.settings.begin(size, this.counts.rows);
  }

  /** What changed in the Client IP Hash Table since the cursor; everything when the cursor is unknown. */
  changesSince(cursor: Cursor | undefined): Changes {
    return this.#log().changesSince(cursor);
  }

  /** Cursor of the Client IP Hash Table as it is now. */
  cursor(): Cursor {
    return this.#log().current();
  }

  #log(): ChangeLog {
    const { epoch } = this.settings;
    if (this.#changes?.epoch !== epoch) {
      // A process that keeps no log from before numbers its versions anew: a cursor of another log means nothing here.
      this.#changes = new ChangeLog(this.buckets, epoch, crypto.getRandomValues(new Uint32Array(1))[0]!);
    }
    return this.#changes;
  }

  /** The tables must not be touched afterwards. */
  close(): void {
    this.#free();
  }
}

/** Segments behind one another in one buffer, and the bytes that they take. */
export function consecutive(buffer: ArrayBuffer, size: number, rows: number): Segments {
  let offset = 0;
  const segments: Partial<Record<SegmentName, Segment>> = {};
  for (const [name, { entries, bytes }] of Object.entries(segmentSizes(size, rows))) {
    segments[name as SegmentName] = { buffer, offset };
    offset += Math.ceil(entries * bytes / 8) * 8;
  }
  return segments as Segments;
}

/** Bytes of a buffer that holds all segments. */
export function bytesOfAll(size: number, rows: number): number {
  return Object.values(segmentSizes(size, rows)).reduce(
    (sum, { entries, bytes }) => sum + Math.ceil(entries * bytes / 8) * 8,
    0,
  );
}
