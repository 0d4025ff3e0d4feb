/** What there is to know of a certificate, for people and for programs. */
import type { KeyObject, X509Certificate } from "node:crypto";
import { printable } from "../config/printable.ts";
import { brokenAt, isSelfSigned } from "./chain.ts";
import { daysLeft, endingOf, expiryWarnings, subjectOf } from "./expiry.ts";
import { fieldsOf, namesOf } from "./fields.ts";
import { keyText } from "./key_text.ts";
import { isKeyOf } from "./parse.ts";

export interface LinkReport {
  readonly subject: string;
  readonly issuer: string;
  readonly valid_from: string;
  readonly valid_to: string;
  readonly days_left: number;
}

export interface CertificateReport extends LinkReport {
  readonly file: string;
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly self_signed: boolean;
  /** As `ECDSA P-256`. */
  readonly key: string;
  readonly fingerprint_sha256: string;
  readonly key_file: string | null;
  /** Null where there is no key to look at. */
  readonly key_fits: boolean | null;
  /** The certificates behind the server's own, as they stand in the file. */
  readonly chain: readonly LinkReport[];
  /** Whether each is followed by the one that issued it. */
  readonly chain_in_order: boolean;
  /** Sentences on what has expired or will soon. */
  readonly warnings: readonly string[];
}

export interface KeyFile {
  readonly file: string;
  /** Undefined where it cannot be looked at: in a device. */
  readonly key: KeyObject | undefined;
}

export interface ReportOptions {
  readonly file: string;
  /** Those of the file, in its order. */
  readonly certificates: readonly X509Certificate[];
  readonly key: KeyFile | undefined;
  readonly warnDays: number;
  /** ms since 1970 */
  readonly now: number;
}

export function reportOf({ file, certificates, key, warnDays, now }: ReportOptions): CertificateReport {
  const [leaf, ...chain] = certificates as [X509Certificate, ...X509Certificate[]];
  return {
    file,
    ...linkOf(leaf, now),
    names: allNames(leaf),
    self_signed: isSelfSigned(leaf),
    key: keyOf(leaf),
    fingerprint_sha256: leaf.fingerprint256,
    key_file: key?.file ?? null,
    key_fits: key?.key ? isKeyOf(leaf, key.key) : null,
    chain: chain.map((certificate) => linkOf(certificate, now)),
    chain_in_order: brokenAt(certificates) === undefined,
    warnings: expiryWarnings(file, certificates.map(endingOf), now, warnDays),
  };
}

function linkOf(certificate: X509Certificate, now: number): LinkReport {
  const validTo = Date.parse(certificate.validTo);
  return {
    subject: subjectOf(certificate.subject),
    issuer: subjectOf(certificate.issuer),
    valid_from: new Date(certificate.validFrom).toISOString(),
    valid_to: new Date(validTo).toISOString(),
    days_left: daysLeft(validTo, now),
  };
}

/** DNS names and IP addresses that it is for. */
export function allNames(certificate: X509Certificate): string[] {
  return namesOf(fieldsOf(certificate.raw)).map(printable);
}

/** As `ECDSA P-256`. */
export function keyOf(certificate: X509Certificate): string {
  try {
    // node:crypto does not take every kind out of a certificate.
    return keyText(certificate.publicKey);
  } catch {
    return "of a kind that is not known";
  }
}
