/** Asks the status ports of all nodes, each on its own: one that does not answer holds up none. It begins with one address and finds the rest. */
import { delay } from "../delay.ts";
import type { StatusPort } from "../status/status_client.ts";
import type { Overview } from "../status/tables.ts";
import { lookOf, type Looks } from "./array_view.ts";

/** Longest wait for an answer, ms: beyond it the next question may do better. */
const ANSWER_MS = 2_000;
/** More nodes than an array has: what a port says of others is not trusted further. */
const MAX_NODES = 256;

export type Ask = (port: StatusPort, signal: AbortSignal) => Promise<Overview>;

export class Poller {
  /** By name of node. */
  readonly looks = new Map<string, Looks>();
  #asked = new Set<string>();
  #ask: Ask;
  #intervalMs: number;
  #stop: AbortSignal;
  #now: () => number;
  #firstRound = new Map<string, PromiseWithResolvers<void>>();

  constructor(ask: Ask, intervalMs: number, stop: AbortSignal, now: () => number = () => performance.now()) {
    this.#ask = ask;
    this.#intervalMs = intervalMs;
    this.#stop = stop;
    this.#now = now;
  }

  /** Asks there from now on until stopped, and whatever nodes are named in the answer. */
  begin(port: StatusPort): void {
    const name = `${port.address} ${port.port}`;
    if (this.#asked.has(name) || this.#asked.size >= MAX_NODES) return;
    this.#asked.add(name);
    this.#firstRound.set(name, Promise.withResolvers());
    void this.#keepAsking(port, this.#firstRound.get(name)!);
  }

  /** Resolves once every node that is known was asked and answered, or did not in time. */
  async settled(): Promise<void> {
    // An answer may name nodes that are asked after it.
    for (let known = -1; known !== this.#firstRound.size;) {
      known = this.#firstRound.size;
      await Promise.all([...this.#firstRound.values()].map(({ promise }) => promise));
    }
  }

  async #keepAsking(port: StatusPort, first: PromiseWithResolvers<void>): Promise<void> {
    while (!this.#stop.aborted) {
      const began = this.#now();
      await this.#askOnce(port);
      first.resolve();
      await delay(Math.max(0, this.#intervalMs - (this.#now() - began)), this.#stop);
    }
    first.resolve();
  }

  async #askOnce(port: StatusPort): Promise<void> {
    let overview: Overview;
    try {
      overview = await this.#ask(port, AbortSignal.any([this.#stop, AbortSignal.timeout(ANSWER_MS)]));
    } catch {
      // It is shown stale.
      return;
    }
    const before = this.looks.get(overview.node)?.last;
    this.looks.set(overview.node, { last: lookOf(this.#now(), overview, before), before });
    for (const { address } of overview.server_status) this.begin({ address, port: port.port });
  }
}
