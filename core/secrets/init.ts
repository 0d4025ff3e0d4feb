/** `dlba init`: makes what an array keeps secret. What exists is never touched; a second run adds what is missing. */
import { existsSync } from "node:fs";
import { fileNameOf, parseHost } from "../certificates/host_names.ts";
import type { KeyType } from "../certificates/keys.ts";
import { makeSelfSigned } from "../certificates/self_signed.ts";
import { besideConfig } from "../config/paths.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { type PersonRole, ROLE_UNITS } from "../push/peer.ts";
import { ArraySecret, readFile, readSecretFile } from "./array_secret.ts";
import { certificatePem, type KeyPair, keyPem, makeCertificate, parseKeyPair } from "./certificate.ts";
import { writeSecret } from "./write.ts";

/** The array's own authority outlives its machines. */
const AUTHORITY_DAYS = 3650;
const NODE_DAYS = 825;
/** People come and go; nobody revokes such a certificate but its end. */
const PERSON_DAYS = 397;

export class Initializer {
  #made: string[] = [];
  #secrets: string;

  /** @param now ms since 1970 */
  constructor(readonly config: Config, readonly configFile: string, readonly now: number) {
    this.#secrets = besideConfig(configFile, config.array.secrets);
  }

  /** Makes array secret, authority and node certificates; returns the files made. Throws UsageError. */
  makeSecrets(): string[] {
    this.#once(`${this.#secrets}/array.key`, () => ArraySecret.newFile());
    // Whatever is there must be sound before more is built on it.
    ArraySecret.load(`${this.#secrets}/array.key`);
    const authority = this.#authority();
    for (const { name, address } of this.config.nodes) {
      this.#pair(`${this.#secrets}/nodes/${name}`, () =>
        makeCertificate(
          { commonName: name, days: NODE_DAYS, usages: ["serverAuth", "clientAuth"], names: [name, address.address] },
          authority,
          this.now,
        ));
    }
    for (const role of ["operator", "viewer"] as const) this.makePerson(role, role, authority);
    return this.#made;
  }

  /** Makes the certificate of an operator or a viewer: `people/NAME.crt` and `.key` in the secrets folder. Throws UsageError. */
  makePerson(name: string, role: PersonRole, authority = this.#authority()): string[] {
    if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name)) {
      throw new UsageError(
        `Cannot make a certificate for ${name}: a name is of A-Z, a-z, 0-9, ., _, @ and -, at most 64`,
      );
    }
    this.#pair(`${this.#secrets}/people/${name}`, () =>
      makeCertificate(
        { commonName: name, unit: ROLE_UNITS[role], days: PERSON_DAYS, usages: ["clientAuth"] },
        authority,
        this.now,
      ));
    return this.#made;
  }

  /** Makes a self-signed server certificate `tls/HOST.crt` and `.key` beside the config, for a first try of HTTPS. */
  makeSelfSigned(name: string, keyType: KeyType = "ec"): string[] {
    const host = parseHost(name);
    this.#pair(
      besideConfig(this.configFile, `tls/${fileNameOf(host)}`),
      () => makeSelfSigned([host], { keyType }, this.now),
    );
    return this.#made;
  }

  #authority(): KeyPair {
    const path = `${this.#secrets}/ca`;
    this.#pair(
      path,
      () =>
        makeCertificate(
          { commonName: `dlba array ${this.config.array.name}`, days: AUTHORITY_DAYS, isAuthority: true },
          undefined,
          this.now,
        ),
    );
    const [certificate, key] = [readFile(`${path}.crt`), readSecretFile(`${path}.key`)];
    try {
      return parseKeyPair(certificate, key);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new UsageError(
        `${path}.crt and ${path}.key are no certificate and its key: restore them, or remove ${this.#secrets} to have ` +
          "all of it made anew",
      );
    }
  }

  /** A certificate and its key, both or neither. */
  #pair(path: string, make: () => KeyPair): void {
    const files = [`${path}.crt`, `${path}.key`];
    const missing = files.filter((file) => !existsSync(file));
    if (missing.length === 0) return;
    if (missing.length === 1) {
      const there = files.find((file) => file !== missing[0]);
      throw new UsageError(
        `${there} is there, ${missing[0]} is not: restore it, or remove the other to have both made anew`,
      );
    }
    const pair = make();
    // The certificate last: it stands for both.
    this.#once(`${path}.key`, () => keyPem(pair));
    this.#once(`${path}.crt`, () => certificatePem(pair));
  }

  #once(path: string, make: () => string): void {
    if (existsSync(path)) return;
    writeSecret(path, make());
    this.#made.push(path);
  }
}
