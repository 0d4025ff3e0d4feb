import { buildCommand } from "@stricli/core";
import { isIpv4 } from "../core/scheduler/addresses.ts";
import { configFlag, nodeFlag } from "./flags.ts";

/** Most proxy processes of a node, as the config has it. */
const MAX_WORKERS = 64;

function parseAddress(input: string): string {
  if (!isIpv4(input)) throw new SyntaxError(`${input} is not an IPv4 address as 192.0.2.10`);
  return input;
}

function parseWorker(input: string): number {
  if (!/^[0-9]{1,2}$/.test(input) || Number(input) >= MAX_WORKERS) {
    throw new SyntaxError(`${input} is not a whole number from 0 to ${MAX_WORKERS - 1}`);
  }
  return Number(input);
}

function parseWorkers(input: string): number {
  if (!/^[1-9][0-9]{0,2}$/.test(input)) throw new SyntaxError(`${input} is not a whole number from 1 to 999`);
  return Number(input);
}

interface Flags {
  readonly config: string;
  readonly node?: string;
  readonly listen?: string;
  readonly worker: number;
  readonly workers: number;
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
      const { listen, worker, workers, takeOver } = flags;
      await runServe(config, thisNode(config, flags.node), {
        configFile: flags.config,
        listen,
        worker,
        workers,
        takeOver,
      });
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      node: nodeFlag,
      listen: {
        kind: "parsed",
        parse: parseAddress,
        brief: "Listen on this address instead of the VIP",
        optional: true,
        placeholder: "ADDRESS",
      },
      worker: {
        kind: "parsed",
        parse: parseWorker,
        brief: "Number of this proxy process among those of the node, from 0",
        default: "0",
        placeholder: "N",
      },
      workers: {
        kind: "parsed",
        parse: parseWorkers,
        brief: "How many proxy processes the node has: they share the limits of back ends",
        default: "1",
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
