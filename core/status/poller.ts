/** The scheduler asks every node for its status, once an interval; who does not answer often enough has failed. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import type { NodeState } from "../scheduler/node_table.ts";
import { PollLedger } from "./poll_ledger.ts";
import type { NodeReport } from "./tables.ts";

/** More than any status report is, bytes. */
const MAX_REPORT_BYTES = 4096;

/** Asks a node; resolves to undefined when no answer came before the signal aborted, or none that can be believed. */
export type Ask = (node: NodeConfig, signal: AbortSignal) => Promise<NodeReport | undefined>;

export class Poller {
  #ledger: PollLedger;

  constructor(
    readonly config: Config,
    readonly state: NodeState,
    readonly ask: Ask,
    readonly log: (line: string) => void,
  ) {
    const failed = config.nodes.map((node) => node.id).filter((id) => state.failed[id] !== 0);
    this.#ledger = new PollLedger(config.failover.status_misses, failed);
  }

  /** Polls until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { status_interval } = this.config.failover;
    while (!signal.aborted) {
      const next = delay(status_interval, signal);
      // Each has the whole interval to answer, so that a dead node does not delay the others.
      await Promise.all(this.config.nodes.map((node) => this.#poll(node, status_interval, signal)));
      await next;
    }
  }

  async #poll(node: NodeConfig, timeoutMs: number, stop: AbortSignal): Promise<void> {
    const report = await this.ask(node, AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]));
    // Asked no longer: that says nothing of the node.
    if (stop.aborted) return;
    if (report) {
      this.state.hits[node.id] = report.hits;
      this.state.openConnections[node.id] = report.open_connections;
      this.state.responseMs[node.id] = report.avg_response_ms;
    }
    if (!this.#ledger.record(node.id, report !== undefined)) return;
    const failed = this.#ledger.hasFailed(node.id);
    this.state.setFailed(node.id, failed);
    this.log(failed ? `node ${node.name} failed: it does not answer` : `node ${node.name} answers again`);
  }
}

/** Asks the status port. */
export function askStatusPort(port: number): Ask {
  return (node, signal) => askByHttp(node, port, signal);
}

async function askByHttp(node: NodeConfig, port: number, signal: AbortSignal): Promise<NodeReport | undefined> {
  try {
    const response = await fetch(`http://${node.address.address}:${port}/status`, {
      // The seed: the connection is closed after each answer.
      headers: { connection: "close" },
      redirect: "error",
      signal,
    });
    const text = await response.text();
    if (!response.ok || text.length > MAX_REPORT_BYTES) return undefined;
    const report = JSON.parse(text) as Partial<NodeReport>;
    const figures = [report.hits, report.open_connections, report.avg_response_ms];
    const isWhole = report.node === node.name && figures.every((figure) => Number.isFinite(figure));
    return isWhole ? report as NodeReport : undefined;
  } catch {
    return undefined;
  }
}
