import { buildCommand } from "@stricli/core";
import { configFlag, jsonFlag } from "../flags.ts";

/** Ten years. */
const MAX_DAYS = 3650;

function parseWarn(input: string): number {
  if (!/^[0-9]{1,4}$/.test(input) || Number(input) > MAX_DAYS) {
    throw new SyntaxError(`${input} is not a whole number from 0 to ${MAX_DAYS}`);
  }
  return Number(input);
}

interface Flags {
  readonly config: string;
  readonly key?: string;
  readonly warn: number;
  readonly json: boolean;
}

export const show = buildCommand({
  loader: async () => {
    const { reportText } = await import("../../core/certificates/report_text.ts");
    const { filesOfConfig, filesOfFile, showAll } = await import("../../core/certificates/show.ts");
    const { loadConfig } = await import("../../core/config/load.ts");
    const { Failure, UsageError } = await import("../../core/errors.ts");
    return ({ config, key, warn, json }: Flags, file?: string) => {
      if (file === undefined && key !== undefined) throw new UsageError("--key needs the FILE of its certificate");
      const now = Date.now();
      const files = file === undefined ? filesOfConfig(loadConfig(config), config) : [filesOfFile(file, key)];
      const { reports, errors } = showAll(files, warn, now);
      const warnings = reports.flatMap((report) => report.warnings);
      const ok = errors.length === 0 && warnings.length === 0;
      if (json) console.log(JSON.stringify({ ok, certificates: reports, errors }));
      else if (reports.length > 0) console.log(reports.map((report) => reportText(report, now)).join("\n\n"));
      if (errors.length > 0) throw new UsageError([...errors, ...warnings].join("\n"));
      if (warnings.length > 0) throw new Failure(warnings.join("\n"));
    };
  },
  parameters: {
    flags: {
      config: { ...configFlag, brief: "Whose certificates, where no FILE is named" },
      key: {
        kind: "parsed",
        parse: (input: string) => input,
        brief: "The key of FILE (default: the file of that name that ends in .key, else the one in FILE, if any)",
        optional: true,
        placeholder: "FILE",
      },
      warn: {
        kind: "parsed",
        parse: parseWarn,
        brief: "Exit with code 1 when one expires within so many days, or has",
        default: "14",
        placeholder: "DAYS",
      },
      json: jsonFlag,
    },
    positional: {
      kind: "tuple",
      parameters: [{
        brief: "A PEM file, the server's own certificate first (default: those of the config)",
        parse: (input: string) => input,
        placeholder: "FILE",
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Show certificates: names, issuer, dates, days left, whether the key fits",
    fullDescription:
      "Shows each certificate of the config, or of FILE, with what clients look at. Exit code 0 when all is well, 1\n" +
      "when one expires soon or has expired, 2 when one cannot be used; a line on stderr says which. For a daily look:\n" +
      "\n" +
      "  dlba cert show --warn 21 >/dev/null",
  },
});
