/** Keys in words, and as the text of a file. */
import type { KeyObject } from "node:crypto";

const CURVES: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };

/** `ECDSA P-256` or `RSA 2048`. */
export function keyText({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  if (type === "ec") return `ECDSA ${CURVES[details?.namedCurve ?? ""] ?? details?.namedCurve}`;
  if (type === "rsa") return `RSA ${details?.modulusLength}`;
  return type === "ed25519" ? "Ed25519" : String(type);
}

/** Whether a private key in PEM is encrypted: RFC 7468 section 11, and OpenSSL's older form. */
export function hasPassword(pem: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem);
}
