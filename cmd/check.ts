import { buildCommand } from "@stricli/core";

export const check = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    return (_flags: Record<never, never>, file: string) => {
      loadConfig(file);
      console.log(`${file}: ok`);
    };
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The config file", parse: (input: string) => input, placeholder: "FILE" }],
    },
  },
  docs: { brief: "Check a config file and name every error in it" },
});
