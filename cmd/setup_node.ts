import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

interface Flags {
  readonly config: string;
  readonly node?: string;
  readonly dryRun: boolean;
  readonly apply: boolean;
  readonly undo: boolean;
}

const off = { kind: "boolean", default: false, withNegated: false } as const;

export const setupNode = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { UsageError } = await import("../core/errors.ts");
    const { thisNode } = await import("../core/node/identity.ts");
    const { NodeSetup } = await import("../core/node/setup/setup.ts");
    return (flags: Flags) => {
      if ([flags.dryRun, flags.apply, flags.undo].filter(Boolean).length !== 1) {
        throw new UsageError("Say one of --dry-run, --apply and --undo");
      }
      const config = loadConfig(flags.config);
      const setup = new NodeSetup(config, thisNode(config, flags.node));
      if (flags.dryRun) return setup.dryRun().forEach((line) => console.log(line));
      if (Deno.uid() !== 0) {
        throw new UsageError("setup-node changes the network: run it as root, or look with --dry-run");
      }
      const done = flags.apply ? setup.apply() : setup.undo();
      console.log(`${flags.apply ? "Applied" : "Undone"}: ${done.join(", ") || "nothing to do"}`);
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      node: nodeFlag,
      dryRun: { ...off, brief: "Print the commands and change nothing" },
      apply: { ...off, brief: "Apply what is not so yet; originals are kept for --undo" },
      undo: { ...off, brief: "Restore what --apply changed" },
    },
  },
  docs: {
    brief: "Prepare this machine for the array: VIP on lo, ARP settings, kernel guard, offloads",
    fullDescription:
      "Puts the VIP on lo, keeps the kernel from answering ARP for it, keeps VIP frames that no array node sent\n" +
      "from the kernel's stack, and turns off offloads that join frames. Say one of --dry-run, --apply, --undo.",
  },
});
