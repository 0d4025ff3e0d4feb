import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

export const scheduler = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { checkInterface, thisNode } = await import("../core/node/identity.ts");
    const { obeySupervisor } = await import("../core/node/role.ts");
    const { checkSetup } = await import("../core/node/setup/check.ts");
    const { detachScheduler, runScheduler } = await import("../core/scheduler/run.ts");
    return async (flags: { config: string; node?: string; detach: boolean }) => {
      obeySupervisor();
      const config = loadConfig(flags.config);
      const node = thisNode(config, flags.node);
      if (flags.detach) {
        const text = await detachScheduler(config, node) ? "Detached" : "Nothing is attached";
        console.log(`${text}: ${node.name}, ${node.interface}`);
        return;
      }
      checkInterface(node);
      checkSetup(config, node);
      await runScheduler(config, node, flags.config);
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      node: nodeFlag,
      detach: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "Take the xdp engine's program from the interface; it goes on when the scheduler ends",
      },
    },
  },
  docs: {
    brief: "Run the scheduler of this node: answer ARP for the VIP and spread frames over the array",
    fullDescription:
      "Answers ARP for the VIP and hands each frame to the node that its bucket belongs to, by rewriting MAC addresses.\n" +
      "With the xdp engine the kernel goes on when this process ends, and the next one takes over without a lost frame;\n" +
      "--detach ends that, once the process has ended. Needs a machine prepared by `dlba setup-node --apply`, and root; the pcap engine makes do with two\n" +
      "ambient capabilities: CAP_NET_RAW for the frames, CAP_NET_ADMIN to see the kernel guard. `dlba node` starts it where\n" +
      "it is due.",
  },
});
