import { buildCommand } from "@stricli/core";
import type { Change } from "../core/monitor/ui.ts";
import { asFlag, configFlag, jsonFlag, offFlag } from "./flags.ts";

interface Flags {
  readonly config: string;
  readonly as?: string;
  readonly interval: number;
  readonly once: boolean;
  readonly json: boolean;
  readonly readOnly: boolean;
  readonly noColor: boolean;
}

/** Shortest and longest refresh, s. */
const MIN_INTERVAL = 0.2;
const MAX_INTERVAL = 60;

function seconds(input: string): number {
  const value = /^[0-9]+(\.[0-9]+)?$/.test(input) ? Number(input) : NaN;
  if (value >= MIN_INTERVAL && value <= MAX_INTERVAL) return value;
  throw new SyntaxError(`--interval is ${MIN_INTERVAL} to ${MAX_INTERVAL} seconds, found ${input}`);
}

/** With the operator's certificate beside the config. */
function changeOf({ config, as, readOnly }: Flags, from: string | undefined) {
  if (readOnly) return "this monitor only looks: --read-only";
  if (from !== undefined) return "this monitor only looks: without a config it has no operator's certificate";
  return async ({ name, what, value }: Change) => {
    const { override } = await import("../core/push/override.ts");
    const { asPerson } = await import("../core/push/person.ts");
    return await asPerson(config, as, async (person) => {
      const order = { target: name, what, value: value ?? null, until: null };
      const { missing } = await override(person, order, Date.now());
      return missing.length === 0 ? "done on all nodes" : `done, but for ${missing.join("; ")}`;
    });
  };
}

export const top = buildCommand({
  loader: async () => {
    const { UsageError } = await import("../core/errors.ts");
    const { Terminal } = await import("../core/monitor/terminal.ts");
    const { lookOnce, onceText, runTop } = await import("../core/monitor/top.ts");
    const { parsePort, portsOf } = await import("../core/monitor/ports.ts");
    return async (flags: Flags, from?: string) => {
      const ports = from === undefined ? await portsOf(flags.config) : [parsePort(from)];
      const options = { ports, intervalMs: flags.interval * 1000, change: changeOf(flags, from) };
      if (flags.once || flags.json) {
        const view = await lookOnce(options);
        return console.log(flags.json ? JSON.stringify(view) : onceText(view, options, Terminal.size().columns));
      }
      if (!Terminal.isThere()) {
        throw new UsageError("dlba top needs a terminal: --once prints one look, --json as data");
      }
      await runTop(options, !flags.noColor && !Deno.env.get("NO_COLOR"));
    };
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        brief: "Status port of one node, which names the others (default: all nodes of the config)",
        placeholder: "ADDRESS[:PORT]",
        optional: true,
      }],
    },
    flags: {
      config: configFlag,
      as: asFlag,
      interval: {
        kind: "parsed",
        parse: seconds,
        brief: "Seconds between two looks",
        default: "1",
        placeholder: "SECONDS",
      },
      once: { ...offFlag, brief: "Print one look and exit" },
      json: { ...jsonFlag, brief: "Print one look as JSON and exit" },
      readOnly: { ...offFlag, brief: "Offer no keys that change anything" },
      noColor: { ...offFlag, brief: "No colours; so too where NO_COLOR is set" },
    },
  },
  docs: {
    brief: "Watch the array: requests, nodes, back ends, buckets and events, every second",
    fullDescription:
      "Asks the status ports of all nodes. ? shows the keys. A node that does not answer is shown stale.",
  },
});
