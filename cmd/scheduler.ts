import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

export const scheduler = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { checkInterface, thisNode } = await import("../core/node/identity.ts");
    const { obeySupervisor } = await import("../core/node/role.ts");
    const { checkSetup } = await import("../core/node/setup/check.ts");
    const { runScheduler } = await import("../core/scheduler/run.ts");
    return async (flags: { config: string; node?: string }) => {
      obeySupervisor();
      const config = loadConfig(flags.config);
      const node = thisNode(config, flags.node);
      checkInterface(node);
      checkSetup(config, node);
      await runScheduler(config, node);
    };
  },
  parameters: { flags: { config: configFlag, node: nodeFlag } },
  docs: {
    brief: "Run the scheduler of this node: answer ARP for the VIP and spread frames over the array",
    fullDescription:
      "Answers ARP for the VIP and hands each frame to the node that its bucket belongs to, by rewriting MAC addresses.\n" +
      "Needs a machine prepared by `dlba setup-node --apply`, and root or two ambient capabilities: CAP_NET_RAW for the\n" +
      "frames, CAP_NET_ADMIN to see the kernel guard. `dlba node` starts it where it is due.",
  },
});
