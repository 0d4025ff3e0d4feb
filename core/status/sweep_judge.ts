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
  /** When each was first asked of those that were asked and have not answered since. */
  #silentSince = new Map<number, number>();
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

  /** It is asked now. */
  asking(node: number, now: number): void {
    if (!this.#silentSince.has(node)) this.#silentSince.set(node, now);
  }

  /** It answered, or refused. */
  answered(node: number, now: number): void {
    this.#silentSince.delete(node);
    this.heard(node, now);
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

  /** @param suspects who stopped answering pings, asked or not */
  end({ begun, results }: Sweep, now: number, suspects: readonly number[] = []): Verdict {
    const by = (wanted: CheckResult) => [...results].filter(([, result]) => result === wanted).map(([node]) => node);
    const back = by("up").filter((node) => this.#failed.delete(node));
    const live = this.#members.filter((node) => !this.#failed.has(node));
    const certain = by("refuses").filter((node) => !this.#failed.has(node));
    const silent = by("silent").filter((node) => !this.#failed.has(node));
    const blamed = silent.filter((node) => this.#mayBlame(node, begun, now, live, silent, suspects));
    for (const node of [...certain, ...blamed]) this.#failed.add(node);
    return { failed: [...certain, ...blamed], back, held: silent.filter((node) => !blamed.includes(node)) };
  }

  /** Whether a node's silence is its own fault. */
  #mayBlame(
    node: number,
    begun: number,
    now: number,
    live: readonly number[],
    silent: readonly number[],
    suspects: readonly number[],
  ): boolean {
    if (this.#linkUpSince === undefined || this.#linkUpSince > begun || this.#lateAt >= begun) return false;
    const since = this.#silentSince.get(node) ?? now;
    // Of whom nothing came since this one fell silent may have fallen silent with it, whatever he said before.
    const unheard = live.filter((other) =>
      other !== this.#self && !silent.includes(other) &&
      (suspects.includes(other) || (this.#heardAt.get(other) ?? -Infinity) < since)
    );
    const down = unheard.length + silent.filter((other) => live.includes(other)).length;
    return down * 2 <= live.length || this.#isAlone(now);
  }

  #isAlone(now: number): boolean {
    const since = Math.max(this.#linkUpSince!, this.#began, ...this.#heardAt.values());
    return now - since >= this.#aloneTimeout;
  }
}
