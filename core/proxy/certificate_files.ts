/**
 * Which certificates a proxy process has in service, for the status daemon: `serve-<worker>-<pid>.certificates` in the run folder, and
 * warnings of those that expire.
 */
import type { X509Certificate } from "node:crypto";
import { rmSync } from "node:fs";
import { readableCertificates } from "../certificates/parse.ts";
import { endingOf, endsWithin, endText, expiryWarnings, nextToEnd, subjectOf } from "../certificates/expiry.ts";
import { allNames, keyOf } from "../certificates/report.ts";
import { printable } from "../config/printable.ts";
import { isRunning } from "./table_files.ts";

const FILE = /^serve-(\d+)-(\d+)\.certificates$/;
const DAY_MS = 86_400_000;

/** A certificate as its process says it. */
export interface PublishedCertificate {
  readonly file: string;
  readonly subject: string;
  readonly names: readonly string[];
  readonly issuer: string;
  readonly key: string;
  readonly fingerprint_sha256: string;
  /** RFC 3339. */
  readonly valid_from: string;
  readonly valid_to: string;
}

/** As the store has them. */
interface InService {
  readonly files: { readonly cert: string };
  readonly pem: string;
}

/** A file of CA certificates: of clients, or of back ends. */
export interface AuthoritiesInService {
  readonly ca: string;
  readonly pem: string;
}

export class CertificatesInService {
  #path: string;
  #chains: readonly { readonly file: string; readonly chain: readonly X509Certificate[] }[] = [];
  #authorities: readonly { readonly file: string; readonly all: readonly X509Certificate[] }[] = [];
  #warned = 0;

  /** @param log takes warnings; those of the first proxy process only, since all of a node have the same certificates */
  constructor(readonly dir: string, readonly worker: number, readonly log: (line: string) => void) {
    this.#path = `${dir}/serve-${worker}-${Deno.pid}.certificates`;
    // A process that was killed leaves its own.
    for (const file of publishedFiles(dir)) if (!isRunning(file.pid)) rmSync(file.path, { force: true });
  }

  /** Says what is in service from now on, and warns; of a file of authorities it says whose end comes next. @param now ms since 1970 */
  publish(certificates: readonly InService[], authorities: readonly AuthoritiesInService[], now: number): void {
    this.#chains = certificates.map(({ files, pem }) => ({
      file: files.cert,
      chain: readableCertificates(pem),
    }));
    // Pools may have a file in common.
    const files = new Map(authorities.map(({ ca, pem }) => [ca, pem]));
    // Who signs himself may be his own.
    for (const { file } of this.#chains) files.delete(file);
    this.#authorities = [...files].map(([file, pem]) => ({ file, all: readableCertificates(pem) }));
    const rows = this.#chains.flatMap(({ file, chain: [leaf] }) => leaf ? [rowOf(file, leaf)] : []);
    for (const { file, all } of this.#authorities) {
      const next = nextToEnd(all, now);
      if (next) rows.push(rowOf(file, next));
    }
    // Whole or not at all, for a reader at any moment.
    Deno.writeTextFileSync(`${this.#path}.new`, JSON.stringify(rows));
    Deno.renameSync(`${this.#path}.new`, this.#path);
    this.#warn(now);
  }

  /** Warns again when a day has passed. @param now ms since 1970 */
  remind(now: number): void {
    if (now - this.#warned >= DAY_MS) this.#warn(now);
  }

  close(): void {
    rmSync(this.#path, { force: true });
  }

  #warn(now: number): void {
    this.#warned = now;
    if (this.worker !== 0) return;
    for (const { file, chain } of this.#chains) {
      for (const line of expiryWarnings(file, chain.map(endingOf), now)) this.log(`warning: the certificate ${line}`);
    }
    for (const { file, all } of this.#authorities) {
      const next = nextToEnd(all, now);
      if (next === undefined) continue;
      const { subject, validTo } = endingOf(next);
      if (!endsWithin(validTo, now)) continue;
      this.log(`warning: the CA certificate ${subject} in ${printable(file)} ${endText(validTo, now)}`);
    }
  }
}

function rowOf(file: string, leaf: X509Certificate): PublishedCertificate {
  return {
    file: printable(file),
    subject: subjectOf(leaf.subject),
    names: allNames(leaf),
    issuer: subjectOf(leaf.issuer),
    key: keyOf(leaf),
    fingerprint_sha256: leaf.fingerprint256,
    valid_from: new Date(leaf.validFrom).toISOString(),
    valid_to: new Date(leaf.validTo).toISOString(),
  };
}

/** What the running proxy processes of a node say, a list each. */
export function publishedCertificates(dir: string): PublishedCertificate[][] {
  return publishedFiles(dir).filter(({ pid }) => isRunning(pid)).flatMap(({ path }) => {
    try {
      return [JSON.parse(Deno.readTextFileSync(path)) as PublishedCertificate[]];
    } catch {
      // Its process has ended just now.
      return [];
    }
  });
}

function publishedFiles(dir: string): { readonly path: string; readonly pid: number }[] {
  return [...Deno.readDirSync(dir)].flatMap(({ name }) => {
    const match = FILE.exec(name);
    return match ? [{ path: `${dir}/${name}`, pid: Number(match[2]) }] : [];
  });
}
