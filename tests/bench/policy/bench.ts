/** `deno task bench policy`: what it costs to find a back end, and what a user notices when they change. */
import { Progress } from "../progress.ts";
import { type Bench, together } from "../report.ts";
import { measureChanges } from "./changes.ts";
import { measureDecisions } from "./decisions.ts";
import { measureFullConfig } from "./full_config.ts";
import { measureStrays } from "./strays.ts";

/** Of each mode as many sessions as the issue asks for, in the quick run too: two minutes of it. */
const QUICK = { rounds: 5, seconds: 1, sessions: 10_000, phaseMs: 1_500 };
const FULL = { rounds: 15, seconds: 3, sessions: 10_000, phaseMs: 5_000 };

export const bench: Bench = async ({ quick }) => {
  const plan = quick ? QUICK : FULL;
  const progress = new Progress("policy");
  progress.say("decisions");
  const found = [measureDecisions(plan.rounds)];
  progress.say("CPU of a full config");
  found.push(await measureFullConfig(plan.rounds, plan.seconds));
  progress.say("back ends that change");
  found.push(await measureChanges(plan.phaseMs));
  found.push(await measureStrays(plan.sessions, (what) => progress.say(what)));
  progress.say("done");
  return { name: "policy", ...together(found) };
};
