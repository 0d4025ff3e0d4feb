/** Whether the files of CA certificates that a config names can be used. */
import { X509Certificate } from "node:crypto";
import { timesLeft } from "../../ffi/crl.ts";
import type { KeyPath } from "./findings.ts";
import { besideConfig } from "./paths.ts";
import { shortened } from "./printable.ts";
import { asList, asMap, read } from "./raw.ts";
import { readText, Unreadable } from "./read.ts";
import type { Report, Rule } from "./rules.ts";
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
    checkRevoked(asMap(raw["tls"])["client_crl"], configFile, report);
    asList(raw["pools"]).forEach((pool, i) => check(asMap(asMap(pool)["tls"])["ca"], ["pools", i, "tls", "ca"]));
  };
}

function checkRevoked(name: unknown, configFile: string, report: Report): void {
  const file = read(path, name);
  if (file === undefined) return;
  const wrong = whatIsWrongOfList(besideConfig(configFile, file));
  if (wrong === undefined) return;
  report(
    ["tls", "client_crl"],
    "PEM lists of revoked certificates that are valid now",
    `${shortened(file)} (${wrong})`,
  );
}

/** Undefined when each list of the file is valid now: one that is not lets nobody in. */
function whatIsWrongOfList(file: string): string | undefined {
  try {
    const times = timesLeft(new TextEncoder().encode(readText(file)));
    if (times.length === 0) return "no PEM list of revoked certificates";
    return times.some((seconds) => seconds !== undefined && seconds < 0) ? "out of date" : undefined;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return error.message;
  }
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
