import { buildCommand } from "@stricli/core";
import { type Flags, flags, number } from "./flags.ts";

export const rollback = buildCommand({
  loader: async () => {
    const { fetchVersion, newest } = await import("../../core/push/array.ts");
    const { asPerson } = await import("../../core/push/person.ts");
    const { push } = await import("../../core/push/push.ts");
    const { pushedText } = await import("../../core/push/text.ts");
    return ({ config, as, json }: Flags, number: number) =>
      asPerson(config, as, async (person) => {
        const look = await person.look();
        const { text } = await fetchVersion(person.client, newest(look).node, number);
        const pushed = await push(person.client, { text, quorum: person.nodes.length, look, now: Date.now() });
        console.log(json ? JSON.stringify({ pushed }) : pushedText(pushed));
      });
  },
  parameters: { flags, positional: { kind: "tuple", parameters: [number] } },
  docs: {
    brief: "Push what an earlier version says",
    fullDescription:
      "It becomes a version of its own, the next: numbers only rise, so that a node that was away knows what is newer.",
  },
});
