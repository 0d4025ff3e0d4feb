import { buildCommand } from "@stricli/core";
import { configFlag, jsonFlag, nodeFlag } from "./flags.ts";

interface Flags {
  readonly config: string;
  readonly node?: string;
  readonly json: boolean;
  readonly all: boolean;
}

export const tables = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { thisNode } = await import("../core/node/identity.ts");
    const { fetchTables } = await import("../core/status/fetch.ts");
    const { tablesText } = await import("../core/status/text.ts");
    return async (flags: Flags) => {
      const config = loadConfig(flags.config);
      const report = await fetchTables(config, thisNode(config, flags.node));
      console.log(flags.json ? JSON.stringify(report) : tablesText(report, flags.all));
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      node: { ...nodeFlag, brief: "Whose tables (default: the node whose address this machine has)" },
      json: jsonFlag,
      all: { kind: "boolean", default: false, withNegated: false, brief: "Show every assigned bucket" },
    },
  },
  docs: {
    brief: "Print the tables of a node: Client IP Hash Table, DLBA Server Status Table, web servers, certificates",
    fullDescription:
      "Asks the node's status port. The Client IP Hash Table is kept by the scheduler; ask that node for it.",
  },
});
