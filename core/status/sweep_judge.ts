/**
 * Which nodes have failed, by what a status sweep found. Pure: results and a clock in, verdicts out.
 *
 * A node that is silent has failed, unless the trouble may be the scheduler's own: when more than half of the nodes fail in one sweep, or its own
 * link was down, or it ran late itself, no bucket is changed. It serves alone, and fails them all, once it heard no other node for
 * `aloneTimeout` with its link up. Who refuses a connection to the VIP is heard and does not serve: that is no doubt.
 */

export type CheckResult = "up" | "silent" | "refuses";

export interface Verdict {
  readonly failed: readonly number[];
  readonly back: readonly number[];
  /** These would have failed, were it not for the rule above. */
  readonly held: readonly number[];
}

export interface Sweep {
  readonly begun: number;
  /** Server number and result of each node asked. */
  readonly results: Map<number, CheckResult>;
}

export class SweepJudge {
  #self: number;
  #members: readonly number[];
  #aloneTimeout: number;
  #failed: Set<number>;
  #heardAt = new Map<number, number>();
  /** Since when the link is up; undefined while it is down. */
  #linkUpSince: number | undefined;
  /** When this process last ran late: what it took for silence may be its own. */
  #lateAt = -Infinity;
  #began: number;

  /**
   * @param self server number of the node that sweeps; @param members those that may hold buckets, itself included
   * @param failed who has failed already; @param aloneTimeout ms; @param now ms
   */
  constructor(self: number, members: readonly number[], failed: readonly number[], aloneTimeout: number, now: number) {
    this.#self = self;
    this.#members = members;
    this.#failed = new Set(failed);
    this.#aloneTimeout = aloneTimeout;
    this.#linkUpSince = this.#began = now;
  }

  hasFailed(node: number): boolean {
    return this.#failed.has(node);
  }

  /** Anything that only that node can have sent came from it. */
  heard(node: number, now: number): void {
    if (node !== this.#self) this.#heardAt.set(node, Math.max(now, this.#heardAt.get(node) ?? now));
  }

  link(isUp: boolean, now: number): void {
    if (!isUp) this.#linkUpSince = undefined;
    else this.#linkUpSince ??= now;
  }

  late(now: number): void {
    this.#lateAt = now;
  }

  begin(now: number): Sweep {
    return { begun: now, results: new Map() };
  }

  end({ begun, results }: Sweep, now: number): Verdict {
    const by = (wanted: CheckResult) => [...results].filter(([, result]) => result === wanted).map(([node]) => node);
    const back = by("up").filter((node) => this.#failed.delete(node));
    const live = this.#members.filter((node) => !this.#failed.has(node));
    const certain = by("refuses").filter((node) => !this.#failed.has(node));
    const silent = by("silent").filter((node) => !this.#failed.has(node));
    if (this.#mayBlame(begun, now, live, silent)) {
      for (const node of [...certain, ...silent]) this.#failed.add(node);
      return { failed: [...certain, ...silent], back, held: [] };
    }
    for (const node of certain) this.#failed.add(node);
    return { failed: certain, back, held: silent };
  }

  /** Whether it is the silent nodes' own fault. */
  #mayBlame(begun: number, now: number, live: readonly number[], silent: readonly number[]): boolean {
    if (silent.length === 0) return true;
    if (this.#linkUpSince === undefined || this.#linkUpSince > begun || this.#lateAt >= begun) return false;
    // Whom this sweep did not ask counts as silent too where nothing came from him meanwhile.
    const unheard = live.filter((node) =>
      node !== this.#self && !silent.includes(node) && (this.#heardAt.get(node) ?? -Infinity) < begun
    );
    const down = unheard.length + silent.filter((node) => live.includes(node)).length;
    return down * 2 <= live.length || this.#isAlone(now);
  }

  #isAlone(now: number): boolean {
    const since = Math.max(this.#linkUpSince!, this.#began, ...this.#heardAt.values());
    return now - since >= this.#aloneTimeout;
  }
}
