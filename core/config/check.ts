/** `dlba check`: all that can be known of a config file without running it. */
import { certificateRule } from "./certificates.ts";
import { type Checked, readAndCheck } from "./load.ts";
import { checkRules } from "./rules.ts";

/** Checks the file and the certificates that it names. @param now ms since 1970 */
export function checkFile(file: string, now: number): Checked {
  return readAndCheck(file, [checkRules, certificateRule(file, now)]);
}
