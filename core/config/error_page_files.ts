/** Whether the error pages of a config can be read. */
import { readErrorPage } from "../proxy/error_pages.ts";
import { besideConfig } from "./paths.ts";
import { shortened } from "./printable.ts";
import { asMap, eachValue } from "./raw.ts";
import { Unreadable } from "./read.ts";
import type { Rule } from "./rules.ts";
import { errorPageSchema } from "./schema.ts";

export function errorPageRule(configFile: string): Rule {
  return (data, report) => {
    eachValue(asMap(asMap(data)["proxy"]), "error_pages", errorPageSchema, "file", (file, path) => {
      try {
        readErrorPage(besideConfig(configFile, file));
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        report(["proxy", ...path], "a readable error page", `${shortened(file)} (${error.message})`);
      }
    });
  };
}
