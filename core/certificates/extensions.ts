/** Extensions of certificates and of requests for them: RFC 5280 section 4.2. */
import { isIP } from "node:net";
import forge from "node-forge";
import { type Asn1, binary, boolean, bytesOf, octets, oid, sequence, toDer } from "./asn1.ts";

export type Usage = "serverAuth" | "clientAuth";

export interface ExtensionPlan {
  /** May sign others. */
  readonly isAuthority?: boolean;
  readonly usages?: readonly Usage[];
  /** DNS names and IP addresses that it is for. */
  readonly names?: readonly string[];
  /** RSA alone can encrypt. */
  readonly isRsa: boolean;
  readonly subjectKey?: Uint8Array;
  readonly authorityKey?: Uint8Array | undefined;
}

export function extensions(plan: ExtensionPlan): Asn1 {
  const { isAuthority = false, usages = [], names = [], isRsa, subjectKey, authorityKey } = plan;
  const holder = forge.pki.createCertificate();
  // It fills in object identifiers and content.
  holder.setExtensions([
    { name: "basicConstraints", cA: isAuthority, critical: true },
    isAuthority
      ? { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true }
      : { name: "keyUsage", digitalSignature: true, keyEncipherment: isRsa, critical: true },
    ...(usages.length > 0
      ? [{ name: "extKeyUsage", ...Object.fromEntries(usages.map((usage) => [usage, true])) }]
      : []),
    ...(names.length > 0 ? [{ name: "subjectAltName", altNames: names.map(altName) }] : []),
    ...(subjectKey ? [{ name: "subjectKeyIdentifier", value: binary(toDer(octets(subjectKey))) }] : []),
    ...(authorityKey ? [{ name: "authorityKeyIdentifier", keyIdentifier: binary(authorityKey) }] : []),
  ]);
  return sequence(...holder.extensions.map(({ id, critical, value }: FilledExtension) => {
    const content = typeof value === "string" ? bytesOf(value) : toDer(value);
    return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(content));
  }));
}

interface FilledExtension {
  readonly id: string;
  readonly critical?: boolean;
  readonly value: string | Asn1;
}

/** GeneralName: section 4.2.1.6. */
function altName(name: string): unknown {
  return isIP(name) ? { type: 7, ip: name } : { type: 2, value: name };
}
