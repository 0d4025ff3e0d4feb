/** Names of subjects: RFC 5280 section 4.1.2.4. */
import forge from "node-forge";
import type { Asn1 } from "./asn1.ts";

/** Of a common name, and of the organizational unit where there is one. */
export function distinguishedName(commonName: string, unit?: string): Asn1 {
  const holder = forge.pki.createCertificate();
  // In place of PrintableString, which has no `*`; the types of node-forge take it for a class.
  const valueTagClass = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class;
  holder.setSubject([
    ...(unit === undefined ? [] : [{ name: "organizationalUnitName", value: unit, valueTagClass }]),
    { name: "commonName", value: commonName, valueTagClass },
  ]);
  return forge.pki.distinguishedNameToAsn1(holder.subject);
}
