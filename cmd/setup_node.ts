import { buildCommand } from "@stricli/core";
import { configFlag, nodeFlag } from "./flags.ts";

interface Flags {
  readonly config: string;
  readonly node?: string;
  readonly dryRun: boolean;
  readonly apply: boolean;
  readonly undo: boolean;
}

const NOTHING = "nothing to do";
const off = { kind: "boolean", default: false, withNegated: false } as const;

export const setupNode = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { UsageError } = await import("../core/errors.ts");
    const { checkInterface, thisNode } = await import("../core/node/identity.ts");
    const { NodeSetup } = await import("../core/node/setup/setup.ts");

    const setup = new NodeSetup();
    const report = (done: string, names: readonly string[]) => console.log(`${done}: ${names.join(", ") || NOTHING}`);
    return (flags: Flags) => {
      if ([flags.dryRun, flags.apply, flags.undo].filter(Boolean).length !== 1) {
        throw new UsageError("Say one of --dry-run, --apply and --undo");
      }
      if (!flags.dryRun && Deno.uid() !== 0) {
        throw new UsageError("setup-node changes the network: run it as root, or look with --dry-run");
      }
      // What was done is recorded: to undo it no config is needed.
      if (flags.undo) return report("Undone", setup.undo());
      const config = loadConfig(flags.config);
      const node = thisNode(config, flags.node);
      if (flags.dryRun) console.log(setup.dryRun(config, node).join("\n") || NOTHING);
      checkInterface(node);
      if (flags.apply) report("Applied", setup.apply(config, node));
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      node: nodeFlag,
      dryRun: { ...off, brief: "Print the commands that --apply would run, and change nothing" },
      apply: { ...off, brief: "Apply what is not so yet; originals are kept for --undo" },
      undo: { ...off, brief: "Restore what --apply changed, whatever the config says now" },
    },
  },
  docs: {
    brief: "Prepare this machine for the array: VIP on lo, ARP settings, kernel guard, offloads",
    fullDescription:
      "Puts the VIP on lo, keeps the kernel from answering ARP for it, keeps VIP frames that no array node sent\n" +
      "from the kernel's stack, and turns off offloads that join frames. Say one of --dry-run, --apply, --undo.",
  },
});
