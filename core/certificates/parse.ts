/** Certificates as node:crypto has them, but read whole at once: its own fields are read when asked for, and may throw then. */
import { Buffer } from "node:buffer";
import { type KeyObject, X509Certificate } from "node:crypto";
import { fieldsOf, namesOf } from "./fields.ts";
import { certificateBlocks } from "./pem.ts";

/** @param source PEM, or DER. Throws when any of it that this program asks for cannot be read. */
export function parseCertificate(source: string | Uint8Array): X509Certificate {
  const certificate = new X509Certificate(typeof source === "string" ? source : Buffer.from(source));
  const { subject, issuer, validFrom, validTo, fingerprint256 } = certificate;
  const isWhole = [subject, issuer, fingerprint256].every((text) => typeof text === "string");
  if (!isWhole || [validFrom, validTo].some((date) => Number.isNaN(Date.parse(date)))) {
    throw new SyntaxError("Cannot read a certificate: damaged");
  }
  certificate.checkIssued(certificate);
  namesOf(fieldsOf(certificate.raw));
  return certificate;
}

/** Those of PEM text that can be read: of a chain that OpenSSL serves, one of a rare kind is passed over. */
export function readableCertificates(text: string): X509Certificate[] {
  return certificateBlocks(text).flatMap((block) => {
    try {
      return [parseCertificate(block)];
    } catch {
      return [];
    }
  });
}

export function isKeyOf(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    // Of a kind that node:crypto cannot compare.
    return false;
  }
}
