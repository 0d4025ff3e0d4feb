/** Whether the error pages of a config can be read, and its access log can be written. */
import { dirname } from "node:path";
import { readErrorPage } from "../proxy/error_pages.ts";
import { besideConfig } from "./paths.ts";
import { shortened } from "./printable.ts";
import { asMap, eachValue, read } from "./raw.ts";
import { Unreadable } from "./read.ts";
import type { Rule } from "./rules.ts";
import { accessLogSchema, errorPageSchema } from "./schema.ts";

export function namedFilesRule(configFile: string): Rule {
  return (data, report) => {
    eachValue(asMap(asMap(data)["proxy"]), "error_pages", errorPageSchema, "file", (file, path) => {
      try {
        readErrorPage(besideConfig(configFile, file));
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        report(["proxy", ...path], "a readable error page", `${shortened(file)} (${error.message})`);
      }
    });
    const file = read(accessLogSchema, asMap(data)["access_log"])?.file;
    const wrong = file === undefined ? undefined : whyNotWritable(besideConfig(configFile, file));
    if (wrong !== undefined) {
      report(["access_log", "file"], "a file in a folder that is there", `${shortened(file!)} (${wrong})`);
    }
  };
}

function whyNotWritable(path: string): string | undefined {
  try {
    if (!Deno.statSync(dirname(path)).isDirectory) return "not in a folder";
  } catch {
    return "no such folder";
  }
  try {
    return Deno.statSync(path).isDirectory ? "a directory" : undefined;
  } catch {
    return undefined;
  }
}
