/** `dlba demo`: a real array in network namespaces, real traffic through it, and what was seen of it. */
import { UsageError } from "../../errors.ts";
import { labsOnThisMachine, removeKeptLabs } from "../lab.ts";
import { whyNoNamespaces } from "../namespaces.ts";
import { ensureRequirements } from "../requirements.ts";
import type { SchedulerEngine } from "./array.ts";
import { Interruption } from "./interruption.ts";
import { LoopbackStage } from "./loopback_stage.ts";
import { NetworkStage } from "./network_stage.ts";
import { JsonReport, type Report, type StepResult, TextReport } from "./report.ts";
import type { Stage, Step } from "./stage.ts";

export interface DemoOptions {
  /** Print one JSON object as the last line instead of text. */
  readonly json: boolean;
  /** Leave the array up. */
  readonly keep: boolean;
  /** The server role alone, on 127.0.0.1. */
  readonly loopback: boolean;
  /** Of the scheduler. */
  readonly engine: SchedulerEngine;
  /** Install missing Debian packages first, as root. */
  readonly install: boolean;
}

/**
 * Runs the demo and removes what it made. Resolves to the exit code: 0 when every step held, 1 when one did not, that of
 * the signal that interrupted it. Throws UsageError where it cannot run.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const interruption = new Interruption();
  const report = options.json ? new JsonReport() : new TextReport();
  const loopback = needsLoopback(options);
  ensureRequirements(loopback ? "loopback" : "demo", options.install);
  const stage = loopback ? new LoopbackStage() : new NetworkStage(options.engine);
  let outcome: boolean | "interrupted" = false;
  try {
    outcome = await interruption.during(play(stage, options.keep, report, interruption));
  } finally {
    await stage.close();
    if (outcome === "interrupted") report.interrupted();
    else report.end(outcome);
  }
  return interruption.code ?? (outcome ? 0 : 1);
}

/** Removes the arrays that `--keep` left up. Throws UsageError without the right to. */
export async function removeKeptDemos(): Promise<{ removed: number; running: number }> {
  const reason = labsOnThisMachine().length > 0 ? whyNoNamespaces() : undefined;
  if (reason) throw new UsageError(`Arrays that were kept cannot be removed: ${reason}`);
  return await removeKeptLabs();
}

/** Says so where the demo can show less than was asked for. */
function needsLoopback({ loopback, keep }: DemoOptions): boolean {
  const reason = loopback ? undefined : whyNoNamespaces();
  if (reason) console.error(`demo: ${reason}; showing the server role alone on 127.0.0.1 (--loopback)`);
  if (!loopback && !reason) return false;
  if (keep) console.error("demo: --keep needs network namespaces; nothing will stay up");
  return true;
}

/** Builds the stage and runs the steps in their order; the first that does not hold ends the demo. */
async function play(stage: Stage, keep: boolean, report: Report, interruption: Interruption): Promise<boolean> {
  report.progress(stage.making);
  await stage.build();
  let ok = true;
  for (const step of stage.steps) {
    report.progress(step[0]);
    const result = await attempt(step);
    // What fails since then fails because everything is being removed.
    if (interruption.code !== undefined) return false;
    report.step(result);
    ok = result.ok;
    if (!ok) break;
  }
  if (keep && stage.keep) report.say(await stage.keep());
  return ok;
}

async function attempt([name, run]: Step): Promise<StepResult> {
  try {
    return { name, ok: true, evidence: await run() };
  } catch (error) {
    return { name, ok: false, evidence: error instanceof Error ? error.message : String(error) };
  }
}
