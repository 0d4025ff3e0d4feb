/**
 * The scheduler's status sweep (seed, "Internal Operation"): it asks the nodes for their status one after another, again and again, with a pause in
 * between; who does not answer after the retries has failed. Pings go to all nodes at once meanwhile: who stops answering them is asked out of
 * turn, in a hurry. sweep_judge.ts decides who has failed.
 */
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import type { NodeState } from "../scheduler/node_table.ts";
import type { Finding, NodeCheck } from "./node_check.ts";
import type { Pinger } from "./pinger.ts";
import type { SweepBoard } from "./sweep_board.ts";
import { type Sweep, SweepJudge } from "./sweep_judge.ts";

/** A tick that comes later than so many intervals after the last, and so many ms, was late. */
const LATE_INTERVALS = 3;
const LATE_MS = 300;
/** Longest wait for one of whom nothing was ever heard, and who has failed, ms: it delays the others. */
const FAILED_TIMEOUT_MS = 300;

export interface SweeperParts {
  readonly config: Config;
  readonly node: NodeConfig;
  readonly state: NodeState;
  readonly board: SweepBoard;
  readonly check: NodeCheck;
  /** Of the other nodes; undefined without the right to ping. */
  readonly pinger: Pinger | undefined;
  readonly isLinkUp: () => boolean;
  readonly log: (line: string) => void;
}

export class Sweeper {
  #parts: SweeperParts;
  #judge: SweepJudge;
  /** Server numbers of those that are asked out of turn now. */
  #hurried = new Set<number>();
  /** What was found last of each node. */
  #findings = new Map<number, Finding>();
  #lastTick: number;
  #held = "";

  /** Who has failed by the state has failed until he answers. */
  constructor(parts: SweeperParts) {
    const { config: { nodes, failover }, node, state } = parts;
    const now = this.#lastTick = performance.now();
    const failed = nodes.map(({ id }) => id).filter((id) => state.failed[id] !== 0);
    const members = nodes.filter(({ enabled }) => enabled).map(({ id }) => id);
    this.#parts = parts;
    this.#judge = new SweepJudge(node.id, members, failed, failover.alone_timeout, now);
  }

  /** Sweeps until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { failover } = this.#parts.config;
    const ticking = setInterval(() => this.#tick(signal), failover.ping_interval);
    try {
      while (!signal.aborted) {
        await this.#sweepAll(signal);
        await delay(failover.sweep_delay, signal);
      }
    } finally {
      clearInterval(ticking);
    }
  }

  async #sweepAll(signal: AbortSignal): Promise<void> {
    const { config, board } = this.#parts;
    const began = performance.now(), sweep = this.#judge.begin(began);
    for (const node of config.nodes) {
      const retries = this.#retriesFor(node);
      if (retries < 0 || signal.aborted) continue;
      const isFailed = this.#judge.hasFailed(node.id) && !this.#everHeard(node.id);
      const { status_timeout } = config.failover;
      await this.#ask(
        sweep,
        node,
        retries,
        isFailed ? Math.min(status_timeout, FAILED_TIMEOUT_MS) : status_timeout,
        signal,
      );
    }
    const held = this.#end(sweep, signal);
    const answered = [...sweep.results.values()].filter((result) => result !== "silent").length;
    board.last = {
      endedAt: Date.now(),
      tookMs: performance.now() - began,
      asked: sweep.results.size,
      answered,
      held,
    };
  }

  /** How often one is asked again that does not answer; -1 for him who is not to be asked: pings say when he may answer again. */
  #retriesFor({ id }: NodeConfig): number {
    if (this.#isSilent(id) || this.#hurried.has(id)) return -1;
    return this.#judge.hasFailed(id) ? 0 : this.#parts.config.failover.status_retries;
  }

  #tick(signal: AbortSignal): void {
    const { config, node, pinger, isLinkUp } = this.#parts;
    const { ping_interval } = config.failover;
    const now = performance.now();
    if (now - this.#lastTick > Math.max(ping_interval * LATE_INTERVALS, LATE_MS)) this.#judge.late(now);
    this.#lastTick = now;
    this.#judge.link(isLinkUp(), now);
    if (!pinger) return;
    pinger.tick();
    for (const { id } of config.nodes) if (this.#everHeard(id)) this.#judge.heard(id, pinger.heardAt(id));
    const silent = config.nodes.filter(({ id }) =>
      id !== node.id && this.#isSilent(id) && !this.#hurried.has(id) && !this.#judge.hasFailed(id)
    );
    if (silent.length > 0) void this.#sweepInHurry(silent, signal);
  }

  /** It answered pings, and does so no more. */
  #isSilent(id: number): boolean {
    return this.#everHeard(id) && this.#parts.pinger!.missed(id) >= this.#parts.config.failover.ping_misses;
  }

  #everHeard(id: number): boolean {
    return (this.#parts.pinger?.heardAt(id) ?? -Infinity) > -Infinity;
  }

  async #sweepInHurry(nodes: readonly NodeConfig[], signal: AbortSignal): Promise<void> {
    const { ping_interval, status_retries } = this.#parts.config.failover;
    for (const { id } of nodes) this.#hurried.add(id);
    const sweep = this.#judge.begin(performance.now());
    await Promise.all(nodes.map((node) => this.#ask(sweep, node, status_retries, ping_interval, signal)));
    for (const { id } of nodes) this.#hurried.delete(id);
    this.#end(sweep, signal);
  }

  async #ask(sweep: Sweep, node: NodeConfig, retries: number, timeoutMs: number, stop: AbortSignal): Promise<void> {
    const { check, state, board } = this.#parts;
    for (let attempt = 0; attempt <= retries && !stop.aborted; attempt++) {
      const began = performance.now();
      this.#judge.asking(node.id, began);
      const finding = await check(node, AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]));
      if (stop.aborted) return;
      this.#findings.set(node.id, finding);
      sweep.results.set(node.id, finding.result);
      const { report, result } = finding;
      if (result !== "silent") this.#judge.answered(node.id, performance.now());
      else if (report) this.#judge.heard(node.id, performance.now());
      if (report) {
        board.reports.set(node.id, { report, at: Date.now() });
        state.hits[node.id] = report.hits;
        state.openConnections[node.id] = report.open_connections;
        state.responseMs[node.id] = report.avg_response_ms;
      }
      if (result === "up") return;
      // One that refuses at once is asked again when its time is over: it may be starting.
      if (attempt < retries) await delay(Math.max(0, timeoutMs - (performance.now() - began)), stop);
    }
  }

  /** Returns whom the judge held back. */
  #end(sweep: Sweep, signal: AbortSignal): readonly number[] {
    // Asked no longer: that says nothing of the nodes.
    if (signal.aborted) return [];
    const { config, state, log } = this.#parts;
    const name = (id: number) => config.nodes.find((node) => node.id === id)!.name;
    const suspects = config.nodes.map(({ id }) => id).filter((id) => this.#isSilent(id));
    const { failed, back, held } = this.#judge.end(sweep, performance.now(), suspects);
    for (const id of failed) {
      state.setFailed(id, true);
      log(`node ${name(id)} failed: ${this.#findings.get(id)!.reason}`);
    }
    for (const id of back) {
      state.setFailed(id, false);
      log(`node ${name(id)} answers again`);
    }
    const names = held.map(name).join(", ");
    if (names !== this.#held && names) {
      log(`${names} do not answer; that may be this node's own trouble: no bucket is changed`);
    }
    this.#held = names;
    return held;
  }
}
