/** `dlba drain`, `enable`, `disable` and `weight`: the next list of overrides, brought to all nodes. */
import { Failure } from "../errors.ts";
import { configOf } from "../config/load.ts";
import { fetchVersion, newest } from "./array.ts";
import type { ControlAddress } from "./control_client.ts";
import {
  isEnabledByConfig,
  isNewerOverrides,
  type Override,
  overridesSchema,
  targetOf,
  withoutOverride,
  withOverride,
} from "./overrides.ts";
import type { Person } from "./person.ts";
import { outcomeSchema, whyNotApplied } from "./state.ts";

export interface OverrideOrder {
  readonly target: string;
  readonly what: Override["what"];
  /** For `weight`: null ends its override. */
  readonly value: number | null;
  /** ms since 1970. */
  readonly until: number | null;
}

export interface Overridden {
  readonly entries: readonly Override[];
  readonly missing: readonly string[];
}

/** @param now ms since 1970. Throws {@linkcode Failure} when no node takes it, UsageError when there is no such target. */
export async function override(person: Person, order: OverrideOrder, now: number): Promise<Overridden> {
  const { client } = person;
  const look = await person.look();
  const best = newest(look);
  const version = await fetchVersion(client, best.node, best.state.version.number);
  const config = configOf("the version in force", version.text);
  const source = look.heard.reduce((best, one) =>
    isNewerOverrides(one.state.overrides, best.state.overrides) ? one : best
  );
  const { revision, entries } = await client.get(source.node, "/overrides", overridesSchema);
  const target = targetOf(config, order.target);
  const { what, value, until } = order;
  const kept = entries.filter((one) => one.until === null || one.until > now);
  // What the configuration says anyway needs no override.
  const isEnd = what === "weight" ? value === null : what === "enable" && isEnabledByConfig(config, target);
  const fresh = { ...target, what, value, until, author: "", time: now };
  const next = isEnd ? withoutOverride(kept, target, what === "weight") : withOverride(kept, fresh);
  const missing = look.missing.map(({ why }) => why);
  const done: ControlAddress[] = [];
  await Promise.all(look.heard.map(async ({ node }) => {
    try {
      const outcome = await client.change(node, "/overrides", { revision: revision + 1, entries: next }, outcomeSchema);
      done.push(node);
      const why = whyNotApplied(outcome.roles);
      if (why !== undefined) missing.push(`Node ${node.name} cannot take it up: ${why}`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      missing.push(error.message);
    }
  }));
  const [first] = done;
  if (!first) throw new Failure(["Nothing was changed", ...missing].join("\n"));
  return { entries: (await client.get(first, "/overrides", overridesSchema)).entries, missing };
}
