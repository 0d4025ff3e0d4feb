import { buildCommand } from "@stricli/core";
import type { PersonRole } from "../../core/push/peer.ts";
import { configFlag } from "../flags.ts";
import { madeText } from "./flags.ts";

export const operator = person("operator", "may push configurations and set overrides");
export const viewer = person("viewer", "may look at versions and overrides, and change nothing");

function person(role: PersonRole, may: string) {
  return buildCommand({
    loader: async () => {
      const { loadConfig } = await import("../../core/config/load.ts");
      const { Initializer } = await import("../../core/secrets/init.ts");
      return ({ config }: { config: string }, name: string) => {
        const made = new Initializer(loadConfig(config), config, Date.now()).makePerson(name, role);
        console.log(made.length > 0 ? madeText(made) : `${name} has a certificate already`);
      };
    },
    parameters: {
      flags: { config: configFlag },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Whose, as alice", parse: (input: string) => input, placeholder: "NAME" }],
      },
    },
    docs: {
      brief: `Make the certificate of one who ${may}`,
      fullDescription:
        `Makes people/NAME.crt and .key in the config's secrets folder, signed by the array CA, for 397 days: ` +
        `its holder ${may}.\nTo be run where ca.key is. What exists is never touched.`,
    },
  });
}
