import { buildCommand } from "@stricli/core";
import { configFlag } from "./flags.ts";

export const init = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { Initializer } = await import("../core/secrets/init.ts");
    return (flags: { config: string; selfSigned?: string }) => {
      const initializer = new Initializer(loadConfig(flags.config), flags.config, Date.now());
      // First, since nothing is made when its name is wrong.
      if (flags.selfSigned !== undefined) initializer.makeSelfSigned(flags.selfSigned);
      const made = initializer.makeSecrets();
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
      "What exists is never touched. A node needs array.key, ca.crt and its own certificate and key of it, and no more:\n" +
      "ca.key stays where it was made.",
  },
});
