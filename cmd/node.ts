import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

export const node = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { checkInterface, thisNode } = await import("../core/node/identity.ts");
    const { runNode } = await import("../core/node/node.ts");
    const { checkSetup } = await import("../core/node/setup/check.ts");
    return async (flags: { config: string; node?: string }) => {
      const config = loadConfig(flags.config);
      const self = thisNode(config, flags.node);
      checkInterface(self);
      checkSetup(config, self);
      // A role that failed has said why.
      Deno.exit(await runNode(config, self, flags.config));
    };
  },
  parameters: { flags: { config: configFlag, node: nodeFlag } },
  docs: {
    brief: "Run every role of this node, supervised",
    fullDescription:
      "Starts the status daemon, a proxy process a core, the scheduler and the failover daemon; starts again what dies.\n" +
      "The machine must be prepared by `dlba setup-node --apply`. Ends by SIGTERM or Ctrl-C, and hands\n" +
      "the VIP over before that, where it has it.",
  },
});
