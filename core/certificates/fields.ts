/** The parts of a certificate that node:crypto does not give, read from its DER: RFC 5280 section 4.1. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { dotted, elementsOf, partsIn } from "./der.ts";

const SUBJECT_ALT_NAME = "2.5.29.17";
/** `[0]` and `[3]` of TBSCertificate. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** `[2]` and `[7]` of GeneralName: RFC 5280 section 4.2.1.6. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

export interface CertificateFields {
  /** DER. */
  readonly subject: Uint8Array;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Content by object identifier. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/** Throws SyntaxError when it is no certificate. */
export function fieldsOf(der: Uint8Array): CertificateFields {
  const all = partsIn(partsIn(elementsOf(der)[0])[0]);
  // The version is left out where it is 1.
  const [_serial, _algorithm, _issuer, _validity, subject, publicKey, ...more] = all[0]?.tag === VERSION
    ? all.slice(1)
    : all;
  if (!subject || !publicKey) throw new SyntaxError("Cannot read a certificate: fields are missing");
  const list = more.find(({ tag }) => tag === EXTENSIONS);
  const extensions = (list ? partsIn(partsIn(list)[0]) : []).map((extension) => {
    const parts = partsIn(extension);
    return [dotted(parts[0]), parts.at(-1)!.content] as const;
  });
  return { subject: subject.whole, publicKey: publicKey.whole, extensions: new Map(extensions) };
}

/** DNS names and IP addresses that a certificate is for, in its own order. */
export function namesOf({ extensions }: CertificateFields): string[] {
  const names = extensions.get(SUBJECT_ALT_NAME);
  return (names ? partsIn(elementsOf(names)[0]) : []).flatMap(({ tag, content }) => {
    if (tag === DNS_NAME) return [Buffer.from(content).toString("latin1")];
    return tag === IP_ADDRESS ? [addressText(content)] : [];
  });
}

/** The first way of RFC 5280 section 4.2.1.2: SHA-1 of the key's bits. @param publicKey DER of SubjectPublicKeyInfo */
export function keyIdentifier(publicKey: Uint8Array): Uint8Array {
  const bits = partsIn(elementsOf(publicKey)[0])[1]!.content;
  // The first byte counts the unused bits.
  return new Uint8Array(createHash("sha1").update(bits.subarray(1)).digest());
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const hex = Buffer.from(bytes).toString("hex");
  if (bytes.length !== 16) return `0x${hex}`;
  return new URL(`http://[${hex.match(/.{4}/g)!.join(":")}]`).hostname.slice(1, -1);
}
