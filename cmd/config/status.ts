import { buildCommand } from "@stricli/core";
import { type Flags, flags } from "./flags.ts";

export const status = buildCommand({
  loader: async () => {
    const { Failure } = await import("../../core/errors.ts");
    const { newest } = await import("../../core/push/array.ts");
    const { inForce, isNewerOverrides, overridesSchema } = await import("../../core/push/overrides.ts");
    const { asPerson } = await import("../../core/push/person.ts");
    const { overridesText, statusText } = await import("../../core/push/text.ts");
    return ({ config, as, json }: Flags) =>
      asPerson(config, as, async (person) => {
        const look = await person.look();
        const { version } = newest(look).state;
        const source = look.heard.reduce((best, one) =>
          isNewerOverrides(one.state.overrides, best.state.overrides) ? one : best
        );
        const all = await person.client.get(source.node, "/overrides", overridesSchema);
        const overrides = inForce(all, Date.now());
        const nodes = look.heard.map(({ state }) => state), missing = look.missing.map(({ why }) => why);
        const isSame = missing.length === 0 && nodes.every((node) => node.version.hash === version.hash);
        if (json) console.log(JSON.stringify({ same: isSame, nodes, missing, overrides }));
        else console.log(`${statusText(look)}\n\n${overridesText(overrides)}`);
        if (!isSame) throw new Failure("Not all nodes run the same");
      });
  },
  parameters: { flags },
  docs: {
    brief: "Show which version each node and its roles run, and the overrides",
    fullDescription: "Exit code 1 where a node does not answer or runs another version than the others.",
  },
});
