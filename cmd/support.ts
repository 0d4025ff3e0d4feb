import { buildCommand } from "@stricli/core";
import { configFlag } from "./flags.ts";

interface Flags {
  readonly config: string;
  readonly output?: string;
}

export const support = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { writeSupport } = await import("../core/monitor/support.ts");
    return async (flags: Flags) => {
      const stamp = new Date().toISOString().replace(/[-:]/g, "").slice(0, 15);
      const archive = flags.output ?? `dlba-support-${stamp}.tar.gz`;
      const names = await writeSupport(loadConfig(flags.config), flags.config, archive);
      console.log(`${archive}: look into it before you send it\n  ${names.join("\n  ")}`);
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      output: {
        kind: "parsed",
        parse: (input: string) => input,
        brief: "The archive (default: dlba-support-<time>.tar.gz in this folder)",
        optional: true,
        placeholder: "FILE",
      },
    },
  },
  docs: {
    brief: "Collect versions, tables, config without secrets, counters and events of all nodes into one archive",
    fullDescription: "Asks the status ports of all nodes, and this machine for its addresses, links and journal.\n" +
      "No key and no password is in it; the journal names addresses of clients whose connections failed.",
  },
});
