/** Reads PKCS#12 files: RFC 7292. node-forge's own reader knows RSA only and no other passwords than of latin1; this walks by its ASN.1. */
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import forge from "node-forge";
import { type Asn1, bytesOf, contentOf, fromDer, oidOf, partsOf } from "./asn1.ts";
import { decrypt, deriveKey, iterationsOf, KEY_FOR, Unsupported } from "./pkcs12_pbe.ts";

const DATA = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
const KEY_BAG = "1.2.840.113549.1.12.10.1.1";
const SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2";
const CERTIFICATE_BAG = "1.2.840.113549.1.12.10.1.3";
const BAGS_BAG = "1.2.840.113549.1.12.10.1.6";
const X509 = "1.2.840.113549.1.9.22.1";
/** Bags within bags: files have none or one. */
const MAX_DEPTH = 4;

const DIGESTS: Readonly<Record<string, { readonly name: string; readonly make: () => forge.md.MessageDigest }>> = {
  "1.3.14.3.2.26": { name: "sha1", make: () => forge.md.sha1.create() },
  "2.16.840.1.101.3.4.2.1": { name: "sha256", make: () => forge.md.sha256.create() },
  "2.16.840.1.101.3.4.2.2": { name: "sha384", make: () => forge.md.sha384.create() },
  "2.16.840.1.101.3.4.2.3": { name: "sha512", make: () => forge.md.sha512.create() },
};

/** DER of what the file holds, in its order. */
export interface Contents {
  readonly certificates: Uint8Array[];
  /** PKCS#8. */
  readonly keys: Uint8Array[];
}

export class WrongPassword extends Error {
  override name = "WrongPassword";
}

/**
 * What the file holds. Throws SyntaxError when it is no PKCS#12, {@linkcode WrongPassword}, or {@linkcode Unsupported} with what this
 * program cannot do.
 */
export function readPkcs12(file: Uint8Array, password: string): Contents {
  const { content, mac } = openFile(file);
  // Of an empty password there are two forms.
  const forms = password === "" ? ["", null] : [password];
  const form = mac ? forms.find((form) => isMacOf(content, mac, form)) : forms[0];
  if (form === undefined) throw new WrongPassword();
  const contents: Contents = { certificates: [], keys: [] };
  try {
    for (const info of partsOf(fromDer(content))) readBags(contentInfo(info, form), form, contents, 0);
  } catch (error) {
    if (error instanceof Unsupported) throw error;
    // Without a MAC the password is known to be wrong by what comes out.
    throw mac ? new SyntaxError("Cannot read PKCS#12: damaged", { cause: error }) : new WrongPassword();
  }
  return contents;
}

function openFile(file: Uint8Array): { content: Uint8Array; mac: readonly Asn1[] | undefined } {
  try {
    const [_version, info, mac] = partsOf(fromDer(file));
    const [type, content] = partsOf(info);
    if (oidOf(type) !== DATA) throw new Unsupported("a signature in place of a password");
    return { content: octetsOf(partsOf(content)[0]), mac: mac && partsOf(mac) };
  } catch (error) {
    if (error instanceof Unsupported) throw error;
    // node-forge has an error of its own for each way in which bytes are none.
    throw new SyntaxError("Cannot read PKCS#12", { cause: error });
  }
}

function isMacOf(content: Uint8Array, [digestInfo, salt, count]: readonly Asn1[], password: string | null): boolean {
  const [algorithm, mac] = partsOf(digestInfo);
  const id = oidOf(partsOf(algorithm)[0]);
  const digest = DIGESTS[id];
  if (!digest) throw new Unsupported(`the MAC ${id}`);
  const iterations = count ? iterationsOf(count) : 1;
  const hash = digest.make();
  const key = deriveKey(password, contentOf(salt), KEY_FOR.mac, iterations, hash.digestLength, hash);
  const found = createHmac(digest.name, Buffer.from(key, "latin1")).update(content).digest();
  const expected = Buffer.from(contentOf(mac), "latin1");
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/** SafeContents of a ContentInfo. */
function contentInfo(info: Asn1, password: string | null): Asn1 {
  const [type, content] = partsOf(info);
  const inner = partsOf(content)[0];
  const id = oidOf(type);
  if (id === DATA) return fromDer(octetsOf(inner));
  if (id !== ENCRYPTED_DATA) throw new Unsupported(`content of the type ${id}`);
  const [_type, algorithm, encrypted] = partsOf(partsOf(inner)[1]);
  return fromDer(decrypt(algorithm!, octetsOf(encrypted), password));
}

function readBags(bags: Asn1, password: string | null, contents: Contents, depth: number): void {
  if (depth > MAX_DEPTH) throw new SyntaxError("Cannot read PKCS#12: bags within bags");
  for (const bag of partsOf(bags)) {
    const [type, content] = partsOf(bag);
    const value = partsOf(content)[0];
    const id = oidOf(type);
    if (id === KEY_BAG) contents.keys.push(derOf(value));
    if (id === SHROUDED_KEY_BAG) {
      const [algorithm, encrypted] = partsOf(value);
      contents.keys.push(decrypt(algorithm!, octetsOf(encrypted), password));
    }
    if (id === CERTIFICATE_BAG) {
      const [kind, certificate] = partsOf(value);
      if (oidOf(kind) === X509) contents.certificates.push(octetsOf(partsOf(certificate)[0]));
    }
    if (id === BAGS_BAG) readBags(value!, password, contents, depth + 1);
  }
}

function derOf(tree: Asn1 | undefined): Uint8Array {
  if (!tree) throw new SyntaxError("Cannot read PKCS#12: a key is missing");
  return bytesOf(forge.asn1.toDer(tree).getBytes());
}

/** Bytes of an OCTET STRING, which BER may have in pieces. */
function octetsOf(tree: Asn1 | undefined): Uint8Array {
  if (!Array.isArray(tree?.value)) return bytesOf(contentOf(tree));
  return new Uint8Array(Buffer.concat(tree.value.map(octetsOf)));
}
