/** The parts of a certificate that node:crypto does not give, read from its DER: RFC 5280 section 4.1. */
import { createHash } from "node:crypto";
import forge from "node-forge";
import { type Asn1, bytesOf, contentOf, fromDer, oidOf, partsOf } from "./asn1.ts";

const SUBJECT_ALT_NAME = "2.5.29.17";
/** GeneralName: RFC 5280 section 4.2.1.6. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

export interface CertificateFields {
  readonly subject: Asn1;
  readonly publicKey: Asn1;
  /** Content by object identifier. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/** Throws SyntaxError or an error of node-forge when it is no certificate. */
export function fieldsOf(der: Uint8Array): CertificateFields {
  const all = partsOf(partsOf(fromDer(der))[0]);
  // The version stands first where it is not 1.
  const [_serial, _algorithm, _issuer, _validity, subject, publicKey, ...more] = isContext(all[0], 0)
    ? all.slice(1)
    : all;
  if (!subject || !publicKey) throw new SyntaxError("Cannot read a certificate: fields are missing");
  const list = more.find((part) => isContext(part, 3));
  const extensions = list === undefined ? [] : partsOf(partsOf(list)[0]).map((extension) => {
    const parts = partsOf(extension);
    return [oidOf(parts[0]), bytesOf(contentOf(parts.at(-1)))] as const;
  });
  return { subject, publicKey, extensions: new Map(extensions) };
}

/** DNS names and IP addresses that a certificate is for, in its own order. */
export function namesOf({ extensions }: CertificateFields): { dns: string[]; ips: string[] } {
  const names = extensions.get(SUBJECT_ALT_NAME);
  const [dns, ips]: [string[], string[]] = [[], []];
  for (const name of names ? partsOf(fromDer(names)) : []) {
    if (isContext(name, DNS_NAME)) dns.push(contentOf(name));
    if (isContext(name, IP_ADDRESS)) ips.push(addressText(contentOf(name)));
  }
  return { dns, ips };
}

/** The first way of RFC 5280 section 4.2.1.2: SHA-1 of the key's bits. */
export function keyIdentifier(publicKey: Asn1): Uint8Array {
  // node-forge takes apart a bit string whose content looks like ASN.1; the bytes as they stood are beside it.
  const key = partsOf(publicKey)[1] as Asn1 & { readonly bitStringContents?: string };
  const bits = key.bitStringContents ?? contentOf(key);
  // The first byte counts the unused bits.
  return new Uint8Array(createHash("sha1").update(bytesOf(bits.slice(1))).digest());
}

function isContext(part: Asn1 | undefined, tag: number): boolean {
  return part?.tagClass === forge.asn1.Class.CONTEXT_SPECIFIC && Number(part.type) === tag;
}

function addressText(content: string): string {
  const bytes = [...bytesOf(content)];
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return `0x${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const words = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8 | bytes[2 * i + 1]!).toString(16));
  return new URL(`http://[${words.join(":")}]`).hostname.slice(1, -1);
}
