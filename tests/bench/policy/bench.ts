/** `deno task bench policy`: what it costs to find a back end, and what a user notices when they change. */
import { Progress } from "../progress.ts";
import { type Bench, together } from "../report.ts";
import { measureDecisions } from "./decisions.ts";
import { measureFullConfig } from "./full_config.ts";

const QUICK = { rounds: 5, seconds: 1 };
const FULL = { rounds: 15, seconds: 3 };

export const bench: Bench = async ({ quick }) => {
  const plan = quick ? QUICK : FULL;
  const progress = new Progress("policy");
  progress.say("decisions");
  const found = [measureDecisions(plan.rounds)];
  progress.say("CPU of a full config");
  found.push(await measureFullConfig(plan.rounds, plan.seconds));
  progress.say("done");
  return { name: "policy", ...together(found) };
};
