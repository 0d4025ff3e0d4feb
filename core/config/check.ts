/** `dlba check`: all that can be known of a config file without running it. */
import { checkCertificates } from "./certificates.ts";
import { checkConfig, type Checked, readConfig } from "./load.ts";
import type { Finding } from "./findings.ts";
import { Source } from "./source.ts";

/** Checks the file and the certificates that it names. @param now ms since 1970 */
export function checkFile(file: string, now: number): Checked {
  const text = readConfig(file);
  const checked = checkConfig(file, text);
  if (!checked.config) return checked;
  const source = new Source(file, text);
  const findings: Finding[] = [];
  checkCertificates(checked.config, file, now, (path, expected, found) => {
    findings.push(source.finding(path, expected, found === undefined ? {} : { found }));
  });
  return findings.length > 0 ? { config: undefined, findings } : checked;
}
