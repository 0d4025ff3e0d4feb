/** `dlba check`: all that can be known of a config file without running it. */
import { authorityRule } from "./authorities.ts";
import { certificateRule } from "./certificates.ts";
import { errorPageRule } from "./error_page_files.ts";
import { expiryRule } from "./expiry.ts";
import { hardwareKeyRule } from "./hardware_keys.ts";
import { checkConfig, type Checked, readAndCheck } from "./load.ts";
import { ocspRule } from "./ocsp_files.ts";
import { asMap, eachValue } from "./raw.ts";
import { checkRules, type Rule } from "./rules.ts";
import { nodeSchema } from "./schema.ts";

/** Checks the file and the certificates that it names. @param now ms since 1970 */
export function checkFile(file: string, now: number): Checked {
  return readAndCheck(file, allRules(file, now), [expiryRule(file, now)]);
}

/** Checks a text that is to take the file's place. @param now ms since 1970 */
export function checkInPlaceOf(file: string, text: string, now: number): Checked {
  return checkConfig(file, text, allRules(file, now));
}

function allRules(file: string, now: number): Rule[] {
  return [
    checkRules,
    checkInterfaces,
    certificateRule(file, now),
    authorityRule(file, now),
    ocspRule(file, now),
    hardwareKeyRule(file),
    errorPageRule(file),
  ];
}

/** No frame of another machine comes by lo. A server role alone, as in `dlba demo --loopback`, runs on it. */
const checkInterfaces: Rule = (data, report) => {
  eachValue(asMap(data), "nodes", nodeSchema, "interface", (name, path) => {
    if (name === "lo") report(path, "an interface to the other nodes");
  });
};
