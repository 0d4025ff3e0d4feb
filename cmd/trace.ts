import { buildCommand } from "@stricli/core";
import { configFlag, jsonFlag, nodeFlag } from "./flags.ts";

/** A day. */
const MAX_SECONDS = 86_400;

interface Flags {
  readonly config: string;
  readonly node?: string;
  readonly json: boolean;
  readonly capture?: string;
  readonly seconds?: number;
}

export const trace = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { UsageError } = await import("../core/errors.ts");
    const { thisNode } = await import("../core/node/identity.ts");
    const { isIp } = await import("../core/config/values.ts");
    const { bootSeconds } = await import("../ffi/clock.ts");
    const { captureFrames, traceClient, tracedTables } = await import("../core/scheduler/trace.ts");
    return async (flags: Flags, client?: string, port?: string) => {
      const config = loadConfig(flags.config);
      const node = thisNode(config, flags.node);
      if (flags.capture !== undefined) {
        if (client !== undefined) throw new UsageError("Say either a client or --capture FILE");
        const stop = new AbortController();
        for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.abort());
        if (flags.seconds !== undefined) setTimeout(() => stop.abort(), flags.seconds * 1000);
        const tables = tracedTables(config, node);
        const { written, missed } = await captureFrames(tables, node.interface, flags.capture, stop.signal);
        tables.close();
        console.log(`${flags.capture}: ${written} frames, ${missed} missed`);
        return;
      }
      const isPort = port !== undefined && /^[0-9]{1,5}$/.test(port) && Number(port) <= 65_535;
      if (client === undefined || !isIp(client) || !isPort) {
        throw new UsageError("Say an IP address and a port of a client, as 198.51.100.7 40000, or --capture FILE");
      }
      const tables = tracedTables(config, node);
      const found = traceClient(tables, config, client, Number(port), bootSeconds());
      tables.close();
      if (flags.json) return console.log(JSON.stringify(found));
      const age = found.age_s === null ? "never hit" : `last hit ${found.age_s} s ago`;
      console.log(`bucket ${found.bucket}, node ${found.node ?? "none"}, ${age}`);
      const [opening, other] = [found.opening_goes_to ?? "nobody", found.other_goes_to ?? "nobody"];
      console.log(`a frame that opens a connection goes to ${opening}, another to ${other}`);
      console.log(`because ${found.why}`);
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      node: nodeFlag,
      json: jsonFlag,
      capture: {
        kind: "parsed",
        parse: (input: string) => input,
        brief: "Write frames, as they leave, with their verdicts as comments to a pcapng file, until Ctrl-C",
        optional: true,
        placeholder: "FILE",
      },
      seconds: {
        kind: "parsed",
        parse: (input: string) => {
          const seconds = Number(input);
          if (seconds > 0 && seconds <= MAX_SECONDS) return seconds;
          throw new Error(`expected a number above 0 and up to ${MAX_SECONDS}`);
        },
        brief: "With --capture: end after so many seconds",
        optional: true,
        placeholder: "SECONDS",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "Address of the client", parse: (input: string) => input, placeholder: "CLIENT_IP", optional: true },
        { brief: "Port of the client", parse: (input: string) => input, placeholder: "PORT", optional: true },
      ],
    },
  },
  docs: {
    brief: "Show which bucket and node a client's frames go to and why, or write frames with their verdicts to a file",
    fullDescription: "Looks into the tables of this machine: run it, as root, on the node that schedules.\n" +
      "A capture holds the first 240 bytes of each frame; its times are those of reading, to 20 ms.",
  },
});
