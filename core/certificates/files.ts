/** Files of certificates and keys, read and written as an operator names them. */
import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { lstatSync } from "node:fs";
import { printable } from "../config/printable.ts";
import { readText, Unreadable } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { writeSecret } from "../secrets/write.ts";
import { parseCertificate } from "./parse.ts";
import { certificateBlocks, keyBlock } from "./pem.ts";

export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/** Throws {@linkcode UsageError} when one of the files is there and is not to be written over. */
export function refuseExisting(paths: readonly string[], force: boolean): void {
  const there = force ? [] : paths.filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
  if (there.length === 0) return;
  const files = there.map(printable).join(" and ");
  throw new UsageError(
    `${files} ${there.length > 1 ? "exist" : "exists"}: name another place by --out, or write over by --force`,
  );
}

/** Writes files that only their owner may read: all of them, or none when one may not be written over. Throws UsageError. */
export function writeFiles(files: readonly NewFile[], force: boolean): void {
  refuseExisting(files.map(({ path }) => path), force);
  for (const { path, text } of files) writeSecret(path, text);
}

/** Every certificate of a PEM file, in its order. Throws {@linkcode UsageError}. */
export function readCertificates(path: string): X509Certificate[] {
  const certificates = readAs(path, "certificate", (text) => {
    return certificateBlocks(text).map(parseCertificate);
  });
  if (certificates.length === 0) throw new UsageError(`Cannot use the certificate ${printable(path)}: not PEM`);
  return certificates;
}

/** A private key in PEM. Throws {@linkcode UsageError}. */
export function readKey(path: string): KeyObject {
  // What else may stand in the file, as certificates or the parameters of a curve, createPrivateKey() does not pass over.
  const parse = (text: string) => createPrivateKey(keyBlock(text) ?? text);
  return readAs(path, "key", parse, "not a PEM key without password");
}

function readAs<T>(path: string, what: string, parse: (text: string) => T, otherwise = "damaged"): T {
  try {
    return parse(readText(path));
  } catch (error) {
    const why = error instanceof Unreadable ? error.message : otherwise;
    throw new UsageError(`Cannot use the ${what} ${printable(path)}: ${why}`);
  }
}
