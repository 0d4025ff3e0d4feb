/** Keys and certificates by node-forge: RFC 5280. RSA, since node-forge makes no others. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import forge from "node-forge";

const RSA_BITS = 2048;
const DAY_MS = 86_400_000;
/** Clocks of two machines may differ by so much. */
const BACKDATED_MS = 300_000;

export interface KeyPair {
  readonly certificate: forge.pki.Certificate;
  readonly key: forge.pki.rsa.PrivateKey;
}

export interface CertificatePlan {
  readonly commonName: string;
  readonly days: number;
  /** May sign others. */
  readonly isAuthority?: boolean;
  readonly usages?: readonly ("serverAuth" | "clientAuth")[];
  /** Names and IPv4 addresses that it is for. */
  readonly names?: readonly string[];
}

/** A new key and its certificate, signed by the authority, or by itself where there is none. @param now ms since 1970 */
export function makeCertificate(plan: CertificatePlan, authority: KeyPair | undefined, now: number): KeyPair {
  const pem = generateKeyPairSync("rsa", { modulusLength: RSA_BITS }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });
  const key = forge.pki.privateKeyFromPem(String(pem)) as forge.pki.rsa.PrivateKey;
  const certificate = forge.pki.createCertificate();
  const subject = [{ name: "commonName", value: plan.commonName }];
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  // Positive: the first bit of the first octet is the sign.
  certificate.serialNumber = "01" + randomBytes(15).toString("hex");
  certificate.validity.notBefore = new Date(now - BACKDATED_MS);
  certificate.validity.notAfter = new Date(now + plan.days * DAY_MS);
  certificate.setSubject(subject);
  certificate.setIssuer(authority?.certificate.subject.attributes ?? subject);
  certificate.setExtensions(extensions(plan, authority));
  certificate.sign(authority?.key ?? key, forge.md.sha256.create());
  return { certificate, key };
}

function extensions(
  { isAuthority = false, usages = [], names = [] }: CertificatePlan,
  authority: KeyPair | undefined,
): unknown[] {
  return [
    { name: "basicConstraints", cA: isAuthority, critical: true },
    isAuthority
      ? { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true }
      : { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
    ...(usages.length > 0
      ? [{ name: "extKeyUsage", ...Object.fromEntries(usages.map((usage) => [usage, true])) }]
      : []),
    ...(names.length > 0 ? [{ name: "subjectAltName", altNames: names.map(altName) }] : []),
    { name: "subjectKeyIdentifier" },
    ...(authority ? [{ name: "authorityKeyIdentifier", keyIdentifier: keyIdentifier(authority) }] : []),
  ];
}

function keyIdentifier({ certificate }: KeyPair): string {
  return certificate.generateSubjectKeyIdentifier().getBytes();
}

/** GeneralName types of RFC 5280 section 4.2.1.6. */
function altName(name: string): unknown {
  return /^[0-9.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
}

export function certificatePem({ certificate }: KeyPair): string {
  return forge.pki.certificateToPem(certificate).replaceAll("\r\n", "\n");
}

/** PKCS#8, not encrypted. */
export function keyPem({ key }: KeyPair): string {
  const info = forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key));
  return forge.pki.privateKeyInfoToPem(info).replaceAll("\r\n", "\n");
}

/** A certificate and its key. Throws SyntaxError when the texts are not. */
export function parseKeyPair(certificatePem: string, keyPem: string): KeyPair {
  const pair = readKeyPair(certificatePem, keyPem);
  const { n } = pair.certificate.publicKey as forge.pki.rsa.PublicKey;
  if (!n.equals(pair.key.n)) throw new SyntaxError("The key is another certificate's");
  return pair;
}

function readKeyPair(certificatePem: string, keyPem: string): KeyPair {
  try {
    return {
      certificate: forge.pki.certificateFromPem(certificatePem),
      key: forge.pki.privateKeyFromPem(keyPem) as forge.pki.rsa.PrivateKey,
    };
  } catch (cause) {
    // node-forge has an error of its own for each way in which text is none.
    throw new SyntaxError("Cannot parse a certificate and its key", { cause });
  }
}
