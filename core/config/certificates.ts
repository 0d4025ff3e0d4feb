/** Whether the certificates that a config names can be used. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { besideConfig } from "./paths.ts";
import type { Report } from "./rules.ts";
import type { Config } from "./schema.ts";

/** Reports files that are missing, unreadable, not of each other, or out of date. @param now ms since 1970 */
export function checkCertificates(config: Config, configFile: string, now: number, report: Report): void {
  config.tls?.certificates.forEach(({ cert, key }, i) => {
    const path = ["tls", "certificates", i];
    const certificate = attempt(
      () => new X509Certificate(read(configFile, cert)),
      (why) => report([...path, "cert"], "a readable PEM certificate", `${cert} (${why})`),
    );
    const privateKey = attempt(
      () => createPrivateKey(read(configFile, key)),
      (why) => report([...path, "key"], "a readable PEM key without password", `${key} (${why})`),
    );
    if (!certificate) return;
    const { validFrom, validTo } = certificate;
    if (Date.parse(validTo) < now) report([...path, "cert"], "a valid certificate", `${cert} (expired on ${validTo})`);
    if (Date.parse(validFrom) > now) {
      report([...path, "cert"], "a valid certificate", `${cert} (not valid before ${validFrom})`);
    }
    if (privateKey && !certificate.checkPrivateKey(privateKey)) {
      report([...path, "key"], `the key of ${cert}`, `${key} (another one)`);
    }
  });
}

function read(configFile: string, path: string): string {
  return Deno.readTextFileSync(besideConfig(configFile, path));
}

function attempt<T>(work: () => T, failed: (why: string) => void): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) failed("no such file");
    else if (error instanceof Deno.errors.PermissionDenied) failed("no right to read it");
    else failed("not PEM");
    return undefined;
  }
}
