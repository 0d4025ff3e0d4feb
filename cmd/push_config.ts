import { buildCommand } from "@stricli/core";
import { asFlag, jsonFlag, offFlag } from "./flags.ts";

interface Flags {
  readonly quorum?: number;
  readonly dryRun: boolean;
  readonly as?: string;
  readonly json: boolean;
}

function parseQuorum(input: string): number {
  if (!/^[1-9][0-9]{0,2}$/.test(input)) throw new SyntaxError(`${input} is not a number of nodes from 1 on`);
  return Number(input);
}

export const pushConfig = buildCommand({
  loader: async () => {
    const { checkFile } = await import("../core/config/check.ts");
    const { findingsText } = await import("../core/config/findings.ts");
    const { configOf } = await import("../core/config/load.ts");
    const { restartPaths } = await import("../core/config/restart.ts");
    const { UsageError } = await import("../core/errors.ts");
    const { fetchVersion, newest } = await import("../core/push/array.ts");
    const { differences, differencesText } = await import("../core/push/diff.ts");
    const { asPerson } = await import("../core/push/person.ts");
    const { push } = await import("../core/push/push.ts");
    const { pushedText } = await import("../core/push/text.ts");
    return ({ quorum, dryRun, as, json }: Flags, file: string) => {
      const checked = checkFile(file, Date.now());
      if (!checked.config) throw new UsageError(findingsText(checked));
      return asPerson(file, as, async (person) => {
        const { client, nodes, text } = person;
        if (quorum !== undefined && quorum > nodes.length) {
          throw new UsageError(`--quorum ${quorum} is more than the ${nodes.length} nodes of ${file}`);
        }
        const look = await person.look();
        const base = newest(look);
        const before = await fetchVersion(client, base.node, base.state.version.number);
        const diff = differences(before.text, text);
        const needsRestart = restartPaths(configOf("the version in force", before.text), checked.config!);
        if (!json) {
          console.log(`Version ${before.number} runs now; what changes:`);
          console.log(
            diff.length > 0
              ? differencesText(diff)
              : before.text === text
              ? "nothing"
              : "nothing but comments and spaces",
          );
          for (const path of needsRestart) console.log(`needs a restart: ${path}`);
        }
        if (dryRun || before.text === text) {
          for (const { why } of look.missing) console.error(why);
          if (json) {
            console.log(
              JSON.stringify({
                pushed: null,
                differences: diff,
                needsRestart,
                missing: look.missing.map(({ why }) => why),
              }),
            );
          }
          return;
        }
        const pushed = await push(client, { text, quorum: quorum ?? nodes.length, look, now: Date.now() });
        console.log(
          json
            ? JSON.stringify({ pushed, differences: diff, needsRestart, missing: pushed.missing })
            : pushedText(pushed),
        );
      });
    };
  },
  parameters: {
    flags: {
      quorum: {
        kind: "parsed",
        parse: parseQuorum,
        brief:
          "So many nodes are enough; those that do not answer are named, and take it when they are back (default: all)",
        optional: true,
        placeholder: "N",
      },
      dryRun: { ...offFlag, brief: "Check it and show what would change" },
      as: asFlag,
      json: jsonFlag,
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The config file", parse: (input: string) => input, placeholder: "FILE" }],
    },
  },
  docs: {
    brief: "Bring a config file to all nodes, as the next version",
    fullDescription:
      "Checks the file, shows by key path what changes, has each node check it and put it on its disk, and once all have,\n" +
      "puts it in force on each. Where one cannot, nothing is changed, or the version before is put in force again, by a\n" +
      "number of its own. From any machine that has the certificate of an operator (dlba cert operator) and ca.crt.\n" +
      "Certificates, keys and error pages are files of the nodes: only their names are pushed.",
  },
});
