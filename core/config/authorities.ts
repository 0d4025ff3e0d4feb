/** Whether the files of CA certificates that a config names can be used. */
import { X509Certificate } from "node:crypto";
import type { KeyPath } from "./findings.ts";
import { besideConfig } from "./paths.ts";
import { shortened } from "./printable.ts";
import { asList, asMap, read } from "./raw.ts";
import { readText, Unreadable } from "./read.ts";
import type { Rule } from "./rules.ts";
import { path } from "./values.ts";

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** A rule that reports files that are missing, unreadable, without a certificate, or out of date. @param now ms since 1970 */
export function authorityRule(configFile: string, now: number): Rule {
  return (data, report) => {
    const check = (name: unknown, at: KeyPath) => {
      const file = read(path, name);
      if (file === undefined) return;
      const wrong = whatIsWrong(besideConfig(configFile, file), now);
      if (wrong !== undefined) report(at, "PEM certificates of those who sign", `${shortened(file)} (${wrong})`);
    };
    const raw = asMap(data);
    check(asMap(raw["tls"])["client_ca"], ["tls", "client_ca"]);
    asList(raw["pools"]).forEach((pool, i) => check(asMap(asMap(pool)["tls"])["ca"], ["pools", i, "tls", "ca"]));
  };
}

/** Undefined when one of the file's certificates is valid now. */
function whatIsWrong(file: string, now: number): string | undefined {
  try {
    const certificates = (readText(file).match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    if (certificates.length === 0) return "no PEM certificate";
    const isValid = ({ validFrom, validTo }: X509Certificate) =>
      Date.parse(validFrom) <= now && Date.parse(validTo) >= now;
    if (certificates.some(isValid)) return undefined;
    const { validFrom, validTo } = certificates[0]!;
    return Date.parse(validTo) < now ? `expired on ${validTo}` : `not valid before ${validFrom}`;
  } catch (error) {
    return error instanceof Unreadable ? error.message : "a certificate that cannot be read";
  }
}
