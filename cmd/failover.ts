import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

export const failover = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { UsageError } = await import("../core/errors.ts");
    const { isElected } = await import("../core/failover/plan.ts");
    const { runFailover } = await import("../core/failover/run.ts");
    const { checkInterface, thisNode } = await import("../core/node/identity.ts");
    const { obeySupervisor } = await import("../core/node/role.ts");
    return async (flags: { config: string; node?: string }) => {
      obeySupervisor();
      const config = loadConfig(flags.config);
      const node = thisNode(config, flags.node);
      if (!isElected(config)) {
        throw new UsageError("Nothing to elect: the config has one enabled node, or failover.coordination: none");
      }
      checkInterface(node);
      await runFailover(config, node, flags.config);
    };
  },
  parameters: { flags: { config: configFlag, node: nodeFlag } },
  docs: {
    brief: "Run the failover daemon of this node: it elects the scheduler, with those of the other nodes",
    fullDescription:
      "Pings the other nodes, keeps a copy of the scheduler's bucket table, and takes the VIP by a majority's votes when the\n" +
      "scheduler is dead. What it voted for is kept below /var/lib/dlba. Needs the array secret (`dlba init`) and CAP_NET_RAW.\n" +
      "`dlba node` starts it.",
  },
});
