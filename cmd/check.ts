import { buildCommand } from "@stricli/core";
import { jsonFlag } from "./flags.ts";

interface Flags {
  readonly json: boolean;
  readonly against?: string;
}

export const check = buildCommand({
  loader: async () => {
    const { checkFile } = await import("../core/config/check.ts");
    const { findingLine, findingsText } = await import("../core/config/findings.ts");
    const { loadConfig } = await import("../core/config/load.ts");
    const { restartPaths } = await import("../core/config/restart.ts");
    const { UsageError } = await import("../core/errors.ts");
    return ({ json, against }: Flags, file: string) => {
      const running = against === undefined ? undefined : loadConfig(against);
      const { config, findings, more, warnings } = checkFile(file, Date.now());
      if (json) {
        const waiting = running && config ? { needs_restart: restartPaths(running, config) } : {};
        const extra = { ...(more > 0 ? { more } : {}), ...(warnings.length > 0 ? { warnings } : {}) };
        console.log(JSON.stringify({ ok: config !== undefined, findings, ...extra, ...waiting }));
      } else for (const warning of warnings) console.error(`warning: ${findingLine(warning)}`);
      if (!config) throw new UsageError(findingsText({ findings, more }));
      if (json) return;
      const backEnds = config.pools.reduce((sum, pool) => sum + pool.back_ends.length, 0);
      console.log(
        `${file}: ok, array ${config.array.name}: ${config.nodes.length} nodes, ${config.pools.length} pools, ` +
          `${backEnds} back ends`,
      );
      if (running) { for (const path of restartPaths(running, config)) console.log(`needs a restart: ${path}`); }
    };
  },
  parameters: {
    flags: {
      json: jsonFlag,
      against: {
        kind: "parsed",
        parse: (input: string) => input,
        brief: "Name the keys that differ from this config file, which runs, and need a restart",
        optional: true,
        placeholder: "RUNNING_FILE",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The config file", parse: (input: string) => input, placeholder: "FILE" }],
    },
  },
  docs: {
    brief: "Check a config file and name every error in it",
    fullDescription:
      "Names every error by file, line, column and key, with what was found and what was expected, the files of\n" +
      "certificates and keys included. Exit code 2 when there is one. Certificates that expire within 14 days are\n" +
      "warned of on stderr.",
  },
});
