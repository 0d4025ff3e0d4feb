/** `dlba cert show`: certificates of a file or of a config, each with its key. */
import { existsSync } from "node:fs";
import { besideConfig } from "../config/paths.ts";
import { printable } from "../config/printable.ts";
import { readText } from "../config/read.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { readCertificates, readKey } from "./files.ts";
import { keyBlock } from "./pem.ts";
import { type CertificateReport, reportOf } from "./report.ts";

export interface Files {
  readonly cert: string;
  /** Undefined where nobody named one. */
  readonly key: string | undefined;
}

export interface Shown {
  readonly reports: readonly CertificateReport[];
  /** Sentences: what cannot be used. */
  readonly errors: readonly string[];
}

/** Throws UsageError when the config has none. */
export function filesOfConfig({ tls }: Config, configFile: string): Files[] {
  if (!tls) throw new UsageError(`${printable(configFile)} names no certificates: it has no section tls`);
  return tls.certificates.map(({ cert, key }) => ({
    cert: besideConfig(configFile, cert),
    key: isInDevice(key) ? key : besideConfig(configFile, key),
  }));
}

/** RFC 7512. */
function isInDevice(key: string): boolean {
  return key.startsWith("pkcs11:");
}

/** A file and the key that is named, the one that stands beside it as `.key`, or the one in it. */
export function filesOfFile(cert: string, key: string | undefined): Files {
  if (key !== undefined) return { cert, key };
  const beside = cert.replace(/\.(crt|pem|cer)$/, ".key");
  if (beside !== cert && existsSync(beside)) return { cert, key: beside };
  return { cert, key: holdsKey(cert) ? cert : undefined };
}

function holdsKey(file: string): boolean {
  try {
    return keyBlock(readText(file)) !== undefined;
  } catch {
    // Said when it is read as a certificate.
    return false;
  }
}

/** Looks at all of them, whether others can be read or not. @param now ms since 1970 */
export function showAll(list: readonly Files[], warnDays: number, now: number): Shown {
  const reports: CertificateReport[] = [];
  const errors: string[] = [];
  for (const { cert, key } of list) {
    const attempt = <T>(work: () => T): T | undefined => {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        errors.push(error.message);
        return undefined;
      }
    };
    const certificates = attempt(() => readCertificates(cert));
    if (!certificates) continue;
    const read = key === undefined
      ? undefined
      : attempt(() => ({ file: key, key: isInDevice(key) ? undefined : readKey(key) }));
    const report = reportOf({ file: cert, certificates, key: read, warnDays, now });
    if (report.key_fits === false) errors.push(`${printable(key!)} is not the key of ${printable(cert)}`);
    reports.push(report);
  }
  return { reports, errors };
}
