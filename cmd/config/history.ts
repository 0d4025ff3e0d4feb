import { buildCommand } from "@stricli/core";
import { type Flags, flags } from "./flags.ts";

export const history = buildCommand({
  loader: async () => {
    const { fetchHistory, newest } = await import("../../core/push/array.ts");
    const { asPerson } = await import("../../core/push/person.ts");
    const { versionText } = await import("../../core/push/text.ts");
    return ({ config, as, json }: Flags) =>
      asPerson(config, as, async (person) => {
        const { node } = newest(await person.look());
        const versions = await fetchHistory(person.client, node);
        console.log(json ? JSON.stringify({ node: node.name, versions }) : versions.map(versionText).join("\n"));
      });
  },
  parameters: { flags },
  docs: {
    brief: "List the versions, oldest first: number, hash, time, author",
    fullDescription: "As a node with the newest version has them; it keeps 100. The last line is in force.",
  },
});
