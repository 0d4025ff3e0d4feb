/** Certificates: RFC 5280. Their structure by node-forge, keys and signatures by node:crypto. */
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { bits, context, fromDer, integer, sequence, time, toDer } from "../certificates/asn1.ts";
import { extensions, type Usage } from "../certificates/extensions.ts";
import { fieldsOf, keyIdentifier } from "../certificates/fields.ts";
import { keyToPem, type KeyType, makeKey, signature, signatureAlgorithm } from "../certificates/keys.ts";
import { distinguishedName } from "../certificates/subject.ts";
import { toPem } from "../certificates/pem.ts";

const DAY_MS = 86_400_000;
/** Clocks of two machines may differ by so much. */
const BACKDATED_MS = 300_000;
const VERSION_3 = 2;

export interface KeyPair {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

export interface CertificatePlan {
  readonly commonName: string;
  /** Organizational unit. */
  readonly unit?: string;
  readonly days: number;
  /** ECDSA P-256 where it is not said. */
  readonly keyType?: KeyType;
  /** May sign others. */
  readonly isAuthority?: boolean;
  readonly usages?: readonly Usage[];
  /** DNS names and IP addresses that it is for. */
  readonly names?: readonly string[];
}

/** A new key and its certificate, signed by the authority, or by itself where there is none. @param now ms since 1970 */
export function makeCertificate(plan: CertificatePlan, authority: KeyPair | undefined, now: number): KeyPair {
  const { keyType = "ec", commonName, unit, days, ...extended } = plan;
  const key = makeKey(keyType);
  const publicKey = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
  const subject = distinguishedName(commonName, unit);
  const issuer = authority && fieldsOf(authority.certificate.raw);
  const algorithm = signatureAlgorithm(authority?.key ?? key);
  const content = sequence(
    context(0, integer(VERSION_3)),
    // Positive: the first bit of the first octet is the sign.
    integer(1, ...randomBytes(15)),
    algorithm,
    issuer ? fromDer(issuer.subject) : subject,
    sequence(time(new Date(now - BACKDATED_MS)), time(new Date(now + days * DAY_MS))),
    subject,
    fromDer(publicKey),
    context(
      3,
      extensions({
        ...extended,
        isRsa: keyType === "rsa",
        subjectKey: keyIdentifier(publicKey),
        authorityKey: issuer && keyIdentifier(issuer.publicKey),
      }),
    ),
  );
  const signed = signature(authority?.key ?? key, toDer(content));
  const der = toDer(sequence(content, algorithm, bits(signed)));
  return { certificate: new X509Certificate(Buffer.from(der)), key };
}

export function certificatePem({ certificate }: KeyPair): string {
  return toPem("CERTIFICATE", certificate.raw);
}

/** PKCS#8, not encrypted. */
export function keyPem({ key }: KeyPair): string {
  return keyToPem(key);
}

/** A certificate and its key. Throws SyntaxError when the texts are not. */
export function parseKeyPair(certificatePem: string, keyPem: string): KeyPair {
  const pair = readKeyPair(certificatePem, keyPem);
  if (!pair.certificate.checkPrivateKey(pair.key)) throw new SyntaxError("The key is another certificate's");
  return pair;
}

function readKeyPair(certificatePem: string, keyPem: string): KeyPair {
  try {
    return { certificate: new X509Certificate(certificatePem), key: createPrivateKey(keyPem) };
  } catch (cause) {
    throw new SyntaxError("Cannot parse a certificate and its key", { cause });
  }
}
