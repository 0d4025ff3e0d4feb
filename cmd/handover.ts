import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

export const handover = buildCommand({
  loader: async () => {
    const { loadConfig, nodeNamed } = await import("../core/config/load.ts");
    const { runDir } = await import("../core/config/paths.ts");
    const { Failure } = await import("../core/errors.ts");
    const { give } = await import("../core/failover/control.ts");
    const { thisNode } = await import("../core/node/identity.ts");
    return async (flags: { config: string; node?: string; to?: string }) => {
      const config = loadConfig(flags.config);
      const node = thisNode(config, flags.node);
      if (flags.to !== undefined) nodeNamed(config, flags.to);
      const { failure } = await give(runDir(config, node), { kind: "handover", to: flags.to });
      if (failure !== undefined) throw new Failure(`Not handed over: ${failure}`);
      console.log(`Handed over: ${node.name} no longer has the VIP`);
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      node: nodeFlag,
      to: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "NAME",
        brief: "Node to take over (default: the best that is ready)",
      },
    },
  },
  docs: {
    brief: "Hand the VIP over from this node to another, losing nothing",
    fullDescription:
      "To be run on the scheduler. Its table is completed, fetched by the heir, and only then the heir takes the VIP: no connection\n" +
      "is lost and none is refused. The end of `dlba node` does the same by itself. Exit code 1 when it was not done, with the reason.",
  },
});
