import { buildCommand } from "@stricli/core";
import { type Flags, flags, number } from "./flags.ts";

export const show = buildCommand({
  loader: async () => {
    const { fetchVersion, newest } = await import("../../core/push/array.ts");
    const { asPerson } = await import("../../core/push/person.ts");
    return ({ config, as, json }: Flags, number: number) =>
      asPerson(config, as, async (person) => {
        const { node } = newest(await person.look());
        const version = await fetchVersion(person.client, node, number);
        console.log(json ? JSON.stringify(version) : version.text.replace(/\n$/, ""));
      });
  },
  parameters: { flags, positional: { kind: "tuple", parameters: [number] } },
  docs: { brief: "Print a version as it was pushed" },
});
