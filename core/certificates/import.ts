/** What a PKCS#12 file holds, as a server needs it: the key and the chain of its certificate. */
import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { printable } from "../config/printable.ts";
import { readBytes, Unreadable } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { chainFrom } from "./chain.ts";
import { isKeyOf, parseCertificate } from "./parse.ts";
import { type Contents, readPkcs12, WrongPassword } from "./pkcs12.ts";
import { Unsupported } from "./pkcs12_pbe.ts";

export interface Imported {
  readonly key: KeyObject;
  /** The key's own first. */
  readonly chain: readonly X509Certificate[];
  /** Certificates of the file that do not belong to the chain. */
  readonly leftOut: readonly X509Certificate[];
}

/** Throws {@linkcode UsageError} when it cannot be read. */
export function readPkcs12File(path: string): Uint8Array {
  try {
    return readBytes(path);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw new UsageError(`Cannot read ${printable(path)}: ${error.message}`);
  }
}

/** Throws {@linkcode UsageError} when it holds no key with its certificate. @param path to name it */
export function importPkcs12(path: string, file: Uint8Array, password: string): Imported {
  const name = printable(path);
  const { certificates, keys } = parse(name, file, password);
  if (keys.length !== 1) {
    throw new UsageError(
      `${name} holds ${keys.length || "no"} private key${keys.length > 1 ? "s" : ""}, one is needed`,
    );
  }
  if (certificates.length === 0) throw new UsageError(`${name} holds no certificate`);
  const leaf = certificates.find((certificate) => isKeyOf(certificate, keys[0]!));
  if (!leaf) throw new UsageError(`${name} holds a key, and no certificate of that key`);
  const chain = chainFrom(leaf, certificates);
  const leftOut = certificates.filter((certificate) => !chain.some(({ raw }) => raw.equals(certificate.raw)));
  return { key: keys[0]!, chain, leftOut };
}

function parse(name: string, file: Uint8Array, password: string) {
  try {
    const { certificates, keys } = readPkcs12(file, password);
    return {
      certificates: certificates.map(parseCertificate),
      keys: keys.map((der) => createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" })),
    } satisfies Record<keyof Contents, unknown>;
  } catch (error) {
    if (error instanceof WrongPassword) throw new UsageError(`The password is not that of ${name}`);
    if (error instanceof Unsupported) {
      throw new UsageError(`Cannot read ${name}: it has ${error.message}; openssl pkcs12 may convert it`);
    }
    throw new UsageError(`Cannot read ${name}: it is no PKCS#12 file, or damaged`);
  }
}
