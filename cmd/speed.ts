import { buildCommand, buildRouteMap } from "@stricli/core";
import { configFlag, jsonFlag, nodeFlag } from "./flags.ts";

interface Flags {
  readonly config: string;
  readonly node?: string;
  readonly json: boolean;
}

const flags = { config: configFlag, node: nodeFlag, json: jsonFlag } as const;

const report = buildCommand({
  loader: async () => {
    const { speedPlace } = await import("../core/speederize/place.ts");
    const { speedReport, speedText } = await import("../core/speederize/report.ts");
    const { loadState, readWindows } = await import("../core/speederize/run_files.ts");
    const { Failure } = await import("../core/errors.ts");
    return (flags: Flags) => {
      const { dir, node } = speedPlace(flags.config, flags.node);
      const state = loadState(dir);
      if (!state) throw new Failure(`Node ${node} has nothing to report: is dlba node running?`);
      const found = speedReport(node, state, [...readWindows(dir).values()]);
      console.log(flags.json ? JSON.stringify(found) : speedText(found));
    };
  },
  parameters: { flags },
  docs: {
    brief: "Show what moves to the CDN on this node, why, and what it saves",
    fullDescription:
      "Reads what the node's processes say in its run folder. Figures are of the last window of the advisor.",
  },
});

const purge = buildCommand({
  loader: async () => {
    const { speedPlace } = await import("../core/speederize/place.ts");
    const { purgePages } = await import("../core/speederize/purge.ts");
    return async (flags: Flags, pattern: string) => {
      const { dir } = speedPlace(flags.config, flags.node);
      const { pages, processes } = await purgePages(dir, pattern);
      console.log(flags.json ? JSON.stringify({ pages, processes }) : `${pages} pages out of ${processes} processes`);
    };
  },
  parameters: {
    flags,
    positional: {
      kind: "tuple",
      parameters: [{ parse: (text: string) => text, brief: "Paths, as /shop/*", placeholder: "PATTERN", default: "*" }],
    },
  },
  docs: {
    brief: "Take pages out of the page caches of this node",
    fullDescription: "Waits until every proxy process has done it. On each node of the array its own pages.",
  },
});

export const speed = buildRouteMap({
  routes: { report, purge },
  docs: { brief: "Speederize: what moves to the CDN, and the page cache" },
});
