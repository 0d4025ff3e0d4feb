/** Which certificates serve a name: RFC 6066 section 3, RFC 6125 section 6.4.3. Pure. */

/** A certificate as far as its choice goes. */
export interface NamedCertificate {
  /** DNS names in lower case, `*.` for a wildcard. */
  readonly names: readonly string[];
  /** As "ec" or "rsa". */
  readonly keyType: string;
}

/** Finds certificates by name: the exact name before a wildcard, and both key types where there are. */
export class CertificateNames<T extends NamedCertificate> {
  #byName = new Map<string, T[]>();

  /** @param certificates in the config's order: of two with one name and one key type the first serves */
  constructor(certificates: readonly T[]) {
    for (const certificate of certificates) {
      for (const name of new Set(certificate.names)) {
        const serving = this.#byName.get(name) ?? [];
        if (!serving.some(({ keyType }) => keyType === certificate.keyType)) serving.push(certificate);
        this.#byName.set(name, serving);
      }
    }
  }

  /** Certificates for the name, of different key types; undefined when none bears it. */
  find(serverName: string): readonly T[] | undefined {
    const name = serverName.endsWith(".") ? serverName.slice(0, -1) : serverName;
    return this.#byName.get(name) ?? this.#byName.get(`*${name.slice(Math.max(0, name.indexOf(".")))}`);
  }

  /** Every set of certificates that serves some name. */
  sets(): Iterable<readonly T[]> {
    return this.#byName.values();
  }
}
