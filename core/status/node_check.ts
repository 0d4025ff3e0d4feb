/** One look at a node: its status port and, at the same time, the way of the clients' frames to it. */
import type { Config, NodeConfig } from "../config/schema.ts";
import { askReport, type NodeReport } from "./node_report.ts";
import type { PathCheck } from "./path_check.ts";
import type { CheckResult } from "./sweep_judge.ts";

export interface Finding {
  readonly result: CheckResult;
  /** What the node said of itself; also where it does not serve. */
  readonly report?: NodeReport | undefined;
  /** What is wrong with it, to stand behind its name. */
  readonly reason?: string;
}

/** Looks at a node until the signal aborts. */
export type NodeCheck = (node: NodeConfig, signal: AbortSignal) => Promise<Finding>;

const REFUSES: Finding = { result: "refuses", reason: "it refuses connections to the VIP" };

/** @param path undefined where it cannot be looked at */
export function checkProxy(config: Config, path: () => PathCheck | undefined): NodeCheck {
  return async (node, signal) => {
    const [report, way] = await Promise.all([
      askReport(config, node, signal).catch(() => undefined),
      path()?.check(node, signal) ?? "up",
    ]);
    if (way === "refuses") return { ...REFUSES, report };
    if (!report) return { result: "silent", reason: "it does not answer" };
    if (way === "silent") {
      return { result: "silent", report, reason: "frames for the VIP vanish there: is it on its lo?" };
    }
    return { result: "up", report };
  };
}

/** Direct mode: nodes run plain web servers on the VIP and no `dlba serve`, so a node's status is whether its VIP takes a connection. */
export function checkDirect(path: () => PathCheck | undefined): NodeCheck {
  return async (node, signal) => {
    const began = performance.now();
    const way = await path()?.check(node, signal);
    const report = {
      node: node.name,
      avg_response_ms: performance.now() - began,
      hits: 0,
      open_connections: 0,
      back_ends: [],
    };
    if (way === "refuses") return { ...REFUSES, report };
    return way === "silent" ? { result: "silent", reason: "it does not answer on the VIP" } : { result: "up", report };
  };
}
