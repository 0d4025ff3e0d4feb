import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

export const node = buildCommand({
  loader: async () => {
    const { checkInterface } = await import("../core/node/identity.ts");
    const { openConfiguration } = await import("../core/push/open.ts");
    const { runNode } = await import("../core/node/node.ts");
    const { checkSetup } = await import("../core/node/setup/check.ts");
    return async (flags: { config: string; node?: string }) => {
      const opened = openConfiguration(flags.config, flags.node);
      const { config, self } = opened;
      checkInterface(self);
      checkSetup(config, self);
      // A role that failed has said why.
      Deno.exit(await runNode(opened));
    };
  },
  parameters: { flags: { config: configFlag, node: nodeFlag } },
  docs: {
    brief: "Run every role of this node, supervised",
    fullDescription:
      "Runs the version that was pushed last (dlba push-config); before the first push, the config file. Listens for pushes\n" +
      "where dlba init has made its certificate.\n" +
      "Starts the status daemon, a proxy process a core, the scheduler and the failover daemon; starts again what dies.\n" +
      "The machine must be prepared by `dlba setup-node --apply`. Ends by SIGTERM or Ctrl-C, and hands\n" +
      "the VIP over before that, where it has it.",
  },
});
