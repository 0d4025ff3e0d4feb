import { buildCommand } from "@stricli/core";
import { configFlag, offFlag } from "./flags.ts";

export const init = buildCommand({
  loader: async () => {
    const { loadConfig } = await import("../core/config/load.ts");
    const { Initializer } = await import("../core/secrets/init.ts");
    const { UsageError } = await import("../core/errors.ts");
    return (flags: { config: string; selfSigned?: string; rsa: boolean }) => {
      if (flags.rsa && flags.selfSigned === undefined) throw new UsageError("--rsa needs --self-signed HOST");
      const initializer = new Initializer(loadConfig(flags.config), flags.config, Date.now());
      // First, since nothing is made when its name is wrong.
      if (flags.selfSigned !== undefined) initializer.makeSelfSigned(flags.selfSigned, flags.rsa ? "rsa" : "ec");
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
      rsa: { ...offFlag, brief: "That certificate with an RSA key of 2048 bits instead of ECDSA P-256" },
    },
  },
  docs: {
    brief:
      "Make the array secret, the array CA and the certificates of nodes, operator and viewer; add what is missing",
    fullDescription:
      "Makes the array secret, the array CA and a certificate for each node in the config's secrets folder (mode 0600).\n" +
      "What exists is never touched. A node needs array.key, ca.crt and its own certificate and key of it, and no more:\n" +
      "ca.key stays where it was made. Of people/ an operator takes operator.crt and .key and ca.crt to the machine that he\n" +
      "pushes from; a viewer may look and change nothing.",
  },
});
