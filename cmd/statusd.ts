import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

export const statusd = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { thisNode } = await import("../core/node/identity.ts");
    const { obeySupervisor } = await import("../core/node/role.ts");
    const { runStatusd } = await import("../core/status/run.ts");
    return async (flags: { config: string; node?: string }) => {
      obeySupervisor();
      const config = loadConfig(flags.config);
      await runStatusd(config, thisNode(config, flags.node), flags.config);
    };
  },
  parameters: { flags: { config: configFlag, node: nodeFlag } },
  docs: {
    brief: "Run the status daemon of this node: read-only tables over HTTP",
    fullDescription:
      "Answers on the node's own address with its tables, read-only. On the scheduler it also polls the other nodes\n" +
      "and marks as failed those that do not answer. `dlba node` starts it.",
  },
});
