import { buildCommand } from "@stricli/core";
import { configFlag } from "./flags.ts";

export const init = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { Initializer } = await import("../core/secrets/init.ts");
    return (flags: { config: string; selfSigned?: string }) => {
      const initializer = new Initializer(loadConfig(flags.config), flags.config, Date.now());
      let made = initializer.makeSecrets();
      if (flags.selfSigned !== undefined) made = initializer.makeSelfSigned(flags.selfSigned);
      console.log(made.length > 0 ? `Made:\n  ${made.join("\n  ")}` : "Nothing was missing");
    };
  },
  parameters: {
    flags: {
      config: configFlag,
      selfSigned: {
        kind: "parsed",
        parse: (input: string) => input,
        brief: "Also make a self-signed server certificate, tls/HOST.crt and .key beside the config",
        optional: true,
        placeholder: "HOST",
      },
    },
  },
  docs: {
    brief: "Make the array secret, the array CA and the node certificates; add what is missing",
    fullDescription:
      "Makes the array secret, the array CA and a certificate for each node in the config's secrets folder (mode 0600).\n" +
      "What exists is never touched. Copy the folder to every node by a safe way.",
  },
});
