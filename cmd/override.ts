/** `dlba drain`, `enable`, `disable`, `weight`. */
import { buildCommand } from "@stricli/core";
import type { Override } from "../core/push/overrides.ts";
import { asFlag, configFlag, jsonFlag } from "./flags.ts";

interface Flags {
  readonly config: string;
  readonly as?: string;
  readonly until?: number;
  readonly json: boolean;
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** ms since 1970. */
function parseUntil(input: string): number {
  const [, count, unit] = /^([1-9][0-9]{0,6})([smhd])$/.exec(input) ?? [];
  const time = count === undefined
    ? Date.parse(input)
    : Date.now() + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (!(time > Date.now())) {
    throw new SyntaxError(`${input} is neither a duration as 30m nor a time to come as 2026-12-24T18:00Z`);
  }
  return time;
}

/** Checked here, read below: Stricli knows no argument that may be null. */
function parseWeight(input: string): string {
  if (input === "default" || /^[0-9]{1,3}$/.test(input) && Number(input) <= 256) return input;
  throw new SyntaxError(`${input} is not a weight from 0 to 256, or default`);
}

const flags = {
  config: { ...configFlag, brief: "Names the nodes, and where the certificates are" },
  as: asFlag,
  until: {
    kind: "parsed",
    parse: parseUntil,
    brief: "When it ends by itself: 30m, 2h, or 2026-12-24T18:00Z (default: by hand)",
    optional: true,
    placeholder: "TIME",
  },
  json: jsonFlag,
} as const;

const target = {
  brief: "A node's name, or a back end's key, POOL/KEY or address",
  parse: (input: string) => input,
  placeholder: "NODE|BACKEND",
} as const;

async function load(what: Override["what"]) {
  const { override } = await import("../core/push/override.ts");
  const { asPerson } = await import("../core/push/person.ts");
  const { overridesText } = await import("../core/push/text.ts");
  return ({ config, as, until, json }: Flags, name: string, weight?: string) =>
    asPerson(config, as, async (person) => {
      const value = weight === undefined || weight === "default" ? null : Number(weight);
      const order = { target: name, what, value, until: until ?? null };
      const { entries, missing } = await override(person, order, Date.now());
      console.log(json ? JSON.stringify({ overrides: entries, missing }) : overridesText(entries));
      for (const why of missing) console.error(why);
    });
}

function switching(what: Exclude<Override["what"], "weight">, brief: string, fullDescription: string) {
  return buildCommand({
    loader: () => load(what),
    parameters: { flags, positional: { kind: "tuple", parameters: [target] } },
    docs: {
      brief,
      fullDescription:
        `${fullDescription}\nIt holds on all nodes, over pushes and restarts; dlba config status lists it.`,
    },
  });
}

export const drain = switching(
  "drain",
  "Take new users away from a node or back end; those that it has stay",
  "A node keeps the buckets that are in use, a back end the users that are persisted to it.",
);
export const disable = switching("disable", "Take all users away from a node or back end", "At once.");
export const enable = switching(
  "enable",
  "End drain or disable of a node or back end",
  "Where the configuration itself has it drained or disabled, this overrides that.",
);
export const weight = buildCommand({
  loader: async () => {
    const set = await load("weight");
    return (flags: Flags, name: string, value: string) => set(flags, name, value);
  },
  parameters: {
    flags,
    positional: {
      kind: "tuple",
      parameters: [target, {
        brief: "0 to 256; default: that of the configuration again",
        parse: parseWeight,
        placeholder: "VALUE",
      }],
    },
  },
  docs: {
    brief: "Give a node or back end another weight than the configuration does",
    fullDescription: "It holds on all nodes, over pushes and restarts; dlba config status lists it.",
  },
});
