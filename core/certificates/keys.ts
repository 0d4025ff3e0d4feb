/** Keys of servers, by node:crypto: node-forge makes RSA keys alone, and those slowly. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type Asn1, oid, sequence } from "./asn1.ts";
import forge from "node-forge";

export type KeyType = "ec" | "rsa";

const RSA_BITS = 2048;
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const SHA256_WITH_RSA = "1.2.840.113549.1.1.11";

/** P-256 for `ec`. */
export function makeKey(type: KeyType): KeyObject {
  return type === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey
    : generateKeyPairSync("rsa", { modulusLength: RSA_BITS }).privateKey;
}

/** PKCS#8, not encrypted. */
export function keyToPem(key: KeyObject): string {
  return String(key.export({ type: "pkcs8", format: "pem" }));
}

/** RFC 5280 section 4.1.1.2, RFC 4055 section 5, RFC 5758 section 3.2: with SHA-256. Throws TypeError for other keys. */
export function signatureAlgorithm({ asymmetricKeyType: type }: KeyObject): Asn1 {
  if (type === "ec") return sequence(oid(ECDSA_WITH_SHA256));
  if (type !== "rsa") throw new TypeError(`Cannot sign by a key of type ${type}`);
  return sequence(oid(SHA256_WITH_RSA), forge.asn1.create(forge.asn1.Class.UNIVERSAL, forge.asn1.Type.NULL, false, ""));
}

export function signature(key: KeyObject, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(sign("sha256", bytes, key));
}
