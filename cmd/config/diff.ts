import { buildCommand } from "@stricli/core";
import { type Flags, flags, number } from "./flags.ts";

export const diff = buildCommand({
  loader: async () => {
    const { fetchVersion, newest } = await import("../../core/push/array.ts");
    const { differences, differencesText } = await import("../../core/push/diff.ts");
    const { asPerson } = await import("../../core/push/person.ts");
    return ({ config, as, json }: Flags, from: number, to: number) =>
      asPerson(config, as, async (person) => {
        const { node } = newest(await person.look());
        const [before, after] = await Promise.all([from, to].map((n) => fetchVersion(person.client, node, n)));
        const found = differences(before!.text, after!.text);
        console.log(json ? JSON.stringify({ differences: found }) : differencesText(found) || "They say the same");
      });
  },
  parameters: { flags, positional: { kind: "tuple", parameters: [number, number] } },
  docs: { brief: "Show by key path how two versions differ" },
});
