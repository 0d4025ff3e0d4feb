/** OCSP responses in service, one for each certificate that asks for it: from a file, or fetched and kept fresh. */
import { X509Certificate } from "node:crypto";
import { OcspSubject } from "../../ffi/ocsp.ts";
import type { CertificateFiles } from "../../ffi/tls_context.ts";
import type { Staple } from "../../ffi/tls_staple.ts";
import { UsageError } from "../errors.ts";
import { FetchedStaple, type FetchOptions } from "./fetched_staple.ts";
import { FileStaple } from "./file_staple.ts";

/** In place of a file. */
export const FETCH = "fetch";

/** A staple that is looked at now and then. */
export interface KeptStaple extends Staple {
  /** What it is of: for one that is the same the old one is kept. */
  readonly identity: string;
  /** Does what is due; never waits. */
  look(): void;
  close(): void;
}

export class Staples {
  #byFiles = new Map<CertificateFiles, KeptStaple>();

  /** Takes over what it needs of those before. Throws UsageError, with nothing new left open, naming the file that cannot be used. */
  constructor(files: readonly CertificateFiles[], options: FetchOptions, before?: Staples) {
    try {
      for (const each of files) {
        if (each.ocsp !== undefined) this.#byFiles.set(each, open(each, each.ocsp, options, before));
      }
    } catch (error) {
      this.closeExcept(before);
      throw error;
    }
  }

  of(files: CertificateFiles): Staple | undefined {
    return this.#byFiles.get(files);
  }

  has(staple: KeptStaple): boolean {
    return [...this.#byFiles.values()].includes(staple);
  }

  find(identity: string): KeptStaple | undefined {
    return [...this.#byFiles.values()].find((staple) => staple.identity === identity);
  }

  look(): void {
    for (const staple of this.#byFiles.values()) staple.look();
  }

  /** Closes what those others do not use. */
  closeExcept(others: Staples | undefined): void {
    for (const staple of this.#byFiles.values()) if (!others?.has(staple)) staple.close();
  }
}

function open({ cert }: CertificateFiles, ocsp: string, options: FetchOptions, before?: Staples): KeptStaple {
  let subject: OcspSubject | undefined;
  try {
    const chain = Deno.readTextFileSync(cert);
    subject = new OcspSubject(chain);
    if (ocsp !== FETCH) return new FileStaple(ocsp, subject, options);
    const { fingerprint256 } = new X509Certificate(chain);
    const kept = before?.find(`${FETCH} ${fingerprint256}`);
    if (kept === undefined) return new FetchedStaple(subject, fingerprint256, options);
    subject.close();
    return kept;
  } catch (error) {
    subject?.close();
    const why = error instanceof Error ? error.message : error;
    const what = ocsp === FETCH ? "Cannot ask for an OCSP response" : `Cannot use the OCSP response ${ocsp}`;
    throw new UsageError(`${what} of the certificate ${cert}: ${why}`);
  }
}
