/**
 * Limits against frames that cost us more than they cost their sender. Each kind has a level that rises by a frame and falls with
 * time; a client whose level is too high loses its connection (ENHANCE_YOUR_CALM).
 */
import { AbuseError } from "./errors.ts";

/** Level at which a connection ends, and by how much it falls in a second. */
interface Allowance {
  readonly most: number;
  readonly perSecond: number;
}

/** Each with its reason. A real client of any kind stays at a tenth of it. */
const ALLOWANCES = {
  /** CVE-2023-44487, CVE-2025-8671: requests whose work is thrown away, reset by the client or by its fault. A browser that leaves a page resets what it has open, 100 streams. */
  "rapid reset": { most: 300, perSecond: 50 },
  /** CVE-2019-9515: each wants an acknowledgement. Real clients send one or two in all. */
  "settings flood": { most: 50, perSecond: 2 },
  /** CVE-2019-9512: each wants an answer. gRPC measures the round trip by them, up to one each round trip. */
  "ping flood": { most: 2_000, perSecond: 1_000 },
  /** CVE-2019-9518: frames that bring nothing. */
  "empty frames": { most: 200, perSecond: 20 },
  /** PRIORITY, PRIORITY_UPDATE, and frames of types that nobody knows. */
  "useless frames": { most: 1_000, perSecond: 200 },
  /** CVE-2019-9511: a window opened in crumbs. Falls by {@linkcode UPDATES_FOR_DATA} for each DATA frame that it lets out. */
  "window update flood": { most: 2_000, perSecond: 100 },
  /** CVE-2024-27316: a header block in many pieces, or without end. */
  "continuation flood": { most: 64, perSecond: 16 },
  /** Header lists longer than we said we take, as of an HPACK bomb. */
  "header list too long": { most: 20, perSecond: 2 },
  /** Nothing was taken of responses, or sent of a request, for as long as a client has: windows kept shut. */
  "slow window": { most: 100, perSecond: 10 },
} as const satisfies Record<string, Allowance>;

export type Abuse = keyof typeof ALLOWANCES;
const ABUSES = Object.keys(ALLOWANCES) as readonly Abuse[];
export const UPDATES_FOR_DATA = 10;
const LOG_MS = 10_000;

/** What connections of a process were ended for; the log tells of it, once in {@linkcode LOG_MS} each kind. */
export class AbuseCounts {
  readonly counts = Object.fromEntries(ABUSES.map((abuse) => [abuse, 0])) as Record<Abuse, number>;
  #loggedAt: Partial<Record<Abuse, number>> = {};

  constructor(readonly log: (line: string) => void, readonly now: () => number) {}

  add(abuse: Abuse, peer: string): void {
    const count = ++this.counts[abuse];
    const now = this.now();
    if (now - (this.#loggedAt[abuse] ?? -Infinity) < LOG_MS) return;
    this.#loggedAt[abuse] = now;
    this.log(`HTTP/2 of ${peer} was ended: ${abuse}; ${count} so far`);
  }
}

/** Of one connection. */
export class Allowances {
  /** By kind; one that never rose has none. */
  #levels: Partial<Record<Abuse, { level: number; at: number }>> = {};

  /** @param now ms, and only grows */
  constructor(readonly now: () => number) {}

  /** Throws AbuseError where it is too much. */
  spend(abuse: Abuse): void {
    const { most, perSecond } = ALLOWANCES[abuse];
    const now = this.now();
    const spent = this.#levels[abuse] ??= { level: 0, at: now };
    spent.level = Math.max(0, spent.level - (now - spent.at) * perSecond / 1_000) + 1;
    spent.at = now;
    if (spent.level > most) throw new AbuseError(abuse);
  }

  /** Takes back so much, which the client was right to send. */
  earn(abuse: Abuse, count: number): void {
    const spent = this.#levels[abuse];
    if (spent !== undefined) spent.level = Math.max(0, spent.level - count);
  }
}
