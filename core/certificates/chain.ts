/** Chains of certificates: the server's own first, each followed by the one that signed it (RFC 5246 section 7.4.2). */
import type { X509Certificate } from "node:crypto";

/** Whether the issuer is that of the certificate, as far as this program knows the signature's kind. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && isSignedBy(certificate, issuer);
}

/** Where it may sign no others, too. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && isSignedBy(certificate, certificate);
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // node:crypto does not verify by every kind of key: then the names must do.
    return true;
  }
}

/** The chain from the leaf on, of those that are there in any order. */
export function chainFrom(leaf: X509Certificate, others: readonly X509Certificate[]): X509Certificate[] {
  const chain = [leaf];
  const left = others.filter((other) => !other.raw.equals(leaf.raw));
  while (!isSelfSigned(chain.at(-1)!)) {
    const i = left.findIndex((other) => isIssuedBy(chain.at(-1)!, other));
    if (i < 0) break;
    chain.push(...left.splice(i, 1));
  }
  return chain;
}

/** The first of a chain, from 0, that the next one did not issue; undefined when all stand in order. */
export function brokenAt(chain: readonly X509Certificate[]): number | undefined {
  const at = chain.slice(1).findIndex((issuer, i) => !isIssuedBy(chain[i]!, issuer));
  return at < 0 ? undefined : at;
}
