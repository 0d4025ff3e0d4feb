import { buildCommand } from "@stricli/core";
import { jsonFlag } from "./flags.ts";

interface Flags {
  readonly json: boolean;
  readonly loopback: boolean;
  readonly keep: boolean;
  readonly remove: boolean;
  readonly install: boolean;
  readonly engine: "auto" | "xdp" | "pcap";
}

const off = { kind: "boolean", default: false, withNegated: false } as const;

export const demo = buildCommand({
  loader: async () => {
    const { removeKeptDemos, runDemo } = await import("../core/lab/demo/demo.ts");
    return async ({ remove, ...options }: Flags) => {
      if (!remove) Deno.exit(await runDemo(options));
      const { removed, running } = await removeKeptDemos();
      console.log(`Removed: ${removed}${running > 0 ? ` (left alone: ${running} in use)` : ""}`);
    };
  },
  parameters: {
    flags: {
      json: jsonFlag,
      loopback: { ...off, brief: "Only the server role, on 127.0.0.1: needs neither root nor packages" },
      keep: { ...off, brief: "Leave the array up, with what was killed running again, and print how to look around" },
      remove: { ...off, brief: "Remove the arrays that --keep left up, and do nothing else" },
      engine: {
        kind: "enum",
        values: ["auto", "xdp", "pcap"],
        default: "auto",
        brief: "The scheduler's engine",
      },
      install: { ...off, brief: "Install missing Debian packages first (as root)" },
    },
  },
  docs: {
    brief: "Start a real array in network namespaces and send traffic through it",
    fullDescription:
      "Makes a client, a switch, 3 nodes and 3 web servers in network namespaces, sends HTTP and HTTPS\n" +
      "requests through the array, kills a web server and a node, and prints what was seen of each step.\n" +
      "Everything is removed at the end, however it ends. Exit code 0 only if every step held.",
  },
});
