/** Runtime overrides: what an operator says of a node or back end beside the configuration, for all nodes alike. */
import * as v from "valibot";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { hashOf } from "./version.ts";

/** Most at a time; an array has 256 nodes and some thousand back ends. */
const MAX_OVERRIDES = 10_000;
/** As in the configuration. */
const MAX_WEIGHT = 256;

export const overrideSchema = v.strictObject({
  kind: v.picklist(["node", "back_end"]),
  /** A node's name; a back end's key. */
  name: v.pipe(v.string(), v.maxLength(64)),
  what: v.picklist(["drain", "disable", "enable", "weight"]),
  /** For `weight`; else null. */
  value: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_WEIGHT))),
  /** ms since 1970; null: until it is ended by hand. */
  until: v.nullable(v.pipe(v.number(), v.safeInteger())),
  author: v.pipe(v.string(), v.maxLength(256)),
  /** ms since 1970. */
  time: v.pipe(v.number(), v.safeInteger()),
});

export const overridesSchema = v.strictObject({
  /** One more with each change; the highest counts. */
  revision: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  entries: v.pipe(v.array(overrideSchema), v.maxLength(MAX_OVERRIDES)),
});

export type Override = v.InferOutput<typeof overrideSchema>;
export type Overrides = v.InferOutput<typeof overridesSchema>;
export type Target = Pick<Override, "kind" | "name">;

export const NO_OVERRIDES: Overrides = { revision: 0, entries: [] };

/** The node of that name, or the back end of that key, POOL/KEY or address. Throws {@linkcode UsageError}. */
export function targetOf(config: Config, text: string): Target {
  if (config.nodes.some(({ name }) => name === text)) return { kind: "node", name: text };
  const found = config.pools.flatMap((pool) =>
    pool.back_ends.filter(({ key, address }) =>
      [String(key), `${pool.name}/${key}`, `${address.address}:${address.port}`].includes(text)
    )
  );
  const keys = new Set(found.map(({ key }) => key));
  if (keys.size === 1) return { kind: "back_end", name: String([...keys][0]) };
  if (keys.size > 1) {
    throw new UsageError(`${text} is the address of the back ends ${[...keys].join(", ")}: say the key`);
  }
  throw new UsageError(`No node and no back end ${text}: say a node's name, or a back end's key, POOL/KEY or address`);
}

/** What the configuration itself says of it. */
export function isEnabledByConfig(config: Config, { kind, name }: Target): boolean {
  if (kind === "node") return config.nodes.some((node) => node.name === name && node.enabled && !node.draining);
  return config.pools.some(({ back_ends }) =>
    back_ends.some(({ key, state }) => String(key) === name && state === "active")
  );
}

/** The list with this override in place of what it replaces: a weight of a weight, all else of all else. */
export function withOverride(entries: readonly Override[], fresh: Override): Override[] {
  return [...withoutOverride(entries, fresh, fresh.what === "weight"), fresh];
}

/** The list without the target's weight, or without what else is said of it. */
export function withoutOverride(entries: readonly Override[], { kind, name }: Target, isWeight: boolean): Override[] {
  return entries.filter((one) => one.kind !== kind || one.name !== name || (one.what === "weight") !== isWeight);
}

/** Those in force at that time. @param now ms since 1970 */
export function inForce({ entries }: Overrides, now: number): Override[] {
  return entries.filter(({ until }) => until === null || until > now);
}

/** The configuration as it is with them: what they say of who is no longer there counts for nothing. */
export function inEffect(config: Config, entries: readonly Override[]): Config {
  if (entries.length === 0) return config;
  const of = (kind: Override["kind"], name: string) => entries.filter((one) => one.kind === kind && one.name === name);
  return {
    ...config,
    nodes: config.nodes.map((node) =>
      of("node", node.name).reduce((node, { what, value }) => {
        switch (what) {
          case "drain":
            return { ...node, draining: true };
          case "disable":
            return { ...node, enabled: false };
          case "enable":
            return { ...node, enabled: true, draining: false };
          case "weight":
            return { ...node, weight: value! };
        }
      }, node)
    ),
    pools: config.pools.map((pool) => ({
      ...pool,
      back_ends: pool.back_ends.map((backEnd) =>
        of("back_end", String(backEnd.key)).reduce(
          (backEnd, { what, value }) =>
            what === "weight" ? { ...backEnd, weight: value! } : { ...backEnd, state: STATES[what] },
          backEnd,
        )
      ),
    })),
  };
}

const STATES = { drain: "drain", disable: "disabled", enable: "active" } as const;

/** When the next of them ends, ms since 1970; undefined where none does by itself. */
export function nextEnd(overrides: Overrides, now: number): number | undefined {
  const ends = inForce(overrides, now).flatMap(({ until }) => until ?? []);
  return ends.length > 0 ? Math.min(...ends) : undefined;
}

/** As {@linkcode isNewer} of versions: two of one revision come from the two sides of a split. */
export function isNewerOverrides(one: OverridesState, other: OverridesState): boolean {
  return one.revision !== other.revision ? one.revision > other.revision : one.hash > other.hash;
}

export interface OverridesState {
  readonly revision: number;
  readonly hash: string;
}

export function overridesState(overrides: Overrides): OverridesState {
  return { revision: overrides.revision, hash: hashOf(JSON.stringify(overrides)) };
}
