import { buildCommand, numberParser } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

interface Flags {
  readonly config: string;
  readonly node?: string;
  readonly listen?: string;
  readonly worker: number;
  readonly takeOver: boolean;
}

export const serve = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { thisNode } = await import("../core/node/identity.ts");
    const { obeySupervisor } = await import("../core/node/role.ts");
    const { runServe } = await import("../core/proxy/run.ts");
    return async (flags: Flags) => {
      obeySupervisor();
      const config = loadConfig(flags.config);
      const { listen, worker, takeOver } = flags;
      await runServe(config, thisNode(config, flags.node), { configFile: flags.config, listen, worker, takeOver });
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      node: nodeFlag,
      listen: {
        kind: "parsed",
        parse: (input: string) => input,
        brief: "Listen on this address instead of the VIP",
        optional: true,
        placeholder: "ADDRESS",
      },
      worker: {
        kind: "parsed",
        parse: numberParser,
        brief: "Number of this proxy process among those of the node",
        default: "0",
        placeholder: "N",
      },
      takeOver: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief:
          "Take the listening sockets of the process that serves now: it drains and ends, no connection is refused",
      },
    },
  },
  docs: {
    brief: "Run a DLBA server: decrypt, pick the web server, answer the client",
    fullDescription:
      "Serves HTTP and HTTPS on the VIP and forwards each request to a back end of the config's pools.\n" +
      "One process uses one core; `dlba node` starts one a core.",
  },
});
