/** Who speaks on the control channel: by a certificate of the array CA, RFC 5280 section 6, with one authority and no others between. */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { dotted, elementsOf, partsIn } from "../certificates/der.ts";
import { fieldsOf } from "../certificates/fields.ts";
import { Refusal } from "./refusal.ts";

/** Organizational units of certificates of people; one without is a node's. */
export const ROLE_UNITS = { operator: "dlba operator", viewer: "dlba viewer" } as const;
/** Extended key usage and id-kp-clientAuth: RFC 5280 section 4.2.1.12. */
const EXTENDED_KEY_USAGE = "2.5.29.37";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

export type PersonRole = keyof typeof ROLE_UNITS;

export interface Peer {
  readonly name: string;
  readonly role: PersonRole | "node";
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
}

/** Throws {@linkcode Refusal} with the reason. @param der undefined where none was shown @param now ms since 1970 */
export function peerOf(der: Uint8Array | undefined, authority: X509Certificate, now: number): Peer {
  if (der === undefined) throw new Refusal(403, "no certificate");
  const certificate = parsed(der);
  const subject = new Map(certificate.subject.split("\n").map((line) => line.split(/=(.*)/s) as [string, string]));
  const name = subject.get("CN") ?? "";
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
    throw new Refusal(403, "a certificate that the array CA did not sign");
  }
  if (now > Date.parse(certificate.validTo)) {
    throw new Refusal(403, `the certificate of ${name} expired: ${certificate.validTo}`);
  }
  if (now < Date.parse(certificate.validFrom)) {
    throw new Refusal(403, `the certificate of ${name} is not valid before ${certificate.validFrom}`);
  }
  if (certificate.ca || !isForClients(der)) {
    throw new Refusal(403, `the certificate of ${name} is not for clients`);
  }
  return { name, role: roleOf(subject.get("OU")), fingerprint: certificate.fingerprint256 };
}

/** node:crypto of Deno does not tell. */
function isForClients(der: Uint8Array): boolean {
  const usages = fieldsOf(der).extensions.get(EXTENDED_KEY_USAGE);
  return usages !== undefined && partsIn(elementsOf(usages)[0]).some((usage) => dotted(usage) === CLIENT_AUTH);
}

function parsed(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(der));
  } catch {
    throw new Refusal(403, "a certificate that cannot be read");
  }
}

function roleOf(unit: string | undefined): Peer["role"] {
  if (unit === undefined) return "node";
  const found = Object.entries(ROLE_UNITS).find(([, known]) => known === unit);
  if (!found) throw new Refusal(403, `a certificate of no known role: ${unit}`);
  return found[0] as PersonRole;
}
