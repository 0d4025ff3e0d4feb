/** The certificates in service, each set of them an OpenSSL context, and their renewal when the files change. */
import { X509Certificate } from "node:crypto";
import { type Pkcs11Token, TokenError } from "../../ffi/pkcs11_token.ts";
import type { SigningContext } from "../../ffi/tls_callbacks.ts";
import type { ClientOffer } from "../../ffi/tls_offer.ts";
import { type CertificateFiles, TlsContext, type TlsPolicy } from "../../ffi/tls_context.ts";
import type { ClientAuthority } from "../../ffi/tls_peer_certificate.ts";
import { dateText, endText } from "../certificates/expiry.ts";
import { UsageError } from "../errors.ts";
import type { FetchOptions } from "./fetched_staple.ts";
import { stateOf } from "./file_state.ts";
import { tokenLine } from "./hardware_keys.ts";
import { isKeyUri } from "./key_uri.ts";
import { CertificateNames, type NamedCertificate } from "./names.ts";
import { chooseSigner, type SigningKey } from "./signer_choice.ts";
import { FETCH, Staples } from "./staples.ts";

interface Certificate extends NamedCertificate {
  readonly key: SigningKey;
  readonly files: CertificateFiles;
  /** Of its file, the chain included. */
  readonly pem: string;
  /** ms since 1970 */
  readonly validFrom: number;
  readonly validTo: number;
}

export interface StoreOptions {
  /** In the config's order: the first one is the default. */
  readonly files: readonly CertificateFiles[];
  readonly policy: TlsPolicy;
  /** A name that no certificate bears is refused. */
  readonly isStrict: boolean;
  readonly hasTicketKeys: boolean;
  readonly clients?: ClientAuthority | undefined;
  /** Where certificates have OCSP responses. */
  readonly staples?: FetchOptions | undefined;
  /** Has the keys that are given by URI. */
  readonly token?: Pkcs11Token | undefined;
}

interface InService {
  readonly certificates: readonly Certificate[];
  readonly names: CertificateNames<Certificate>;
  readonly contexts: ReadonlyMap<readonly Certificate[], TlsContext>;
  readonly fallback: TlsContext;
  readonly staples: Staples | undefined;
  readonly authorities: readonly { readonly ca: string; readonly pem: string }[];
  /** Of a context with a key in the token: what signs in its place, a context for each certificate. */
  readonly signing: ReadonlyMap<TlsContext, readonly Signer[]>;
}

interface Signer {
  readonly key: SigningKey;
  readonly context: TlsContext;
  /** In the token: on a thread. */
  readonly isSlow: boolean;
}

export class CertificateStore {
  #inService: InService;
  #seen: string;
  /** When a certificate that was refused because it is not valid yet will be, ms since 1970. */
  #validFrom = Infinity;

  /** Throws UsageError naming the file that cannot be used. */
  constructor(public options: StoreOptions) {
    this.#seen = statesOf(options);
    this.#inService = load(options, options.files.map(read));
  }

  /** In the config's order. */
  get certificates(): readonly Pick<Certificate, "files" | "pem">[] {
    return this.#inService.certificates;
  }

  /** The file of those who sign certificates of clients, as it is in service. */
  get authorities(): readonly { readonly ca: string; readonly pem: string }[] {
    return this.#inService.authorities;
  }

  /** The context of connections that name no server yet. */
  get fallback(): TlsContext {
    return this.#inService.fallback;
  }

  /** The context for a server name; undefined where the handshake is to be refused. */
  contextFor(serverName: string): TlsContext | undefined {
    const { names, contexts, fallback } = this.#inService;
    const certificates = names.find(serverName);
    if (certificates !== undefined) return contexts.get(certificates);
    return this.options.isStrict ? undefined : fallback;
  }

  /** Some key is in a token. */
  get hasHardwareKeys(): boolean {
    return this.#inService.signing.size > 0;
  }

  /** What signs for a server name and a client; undefined where the handshake is to be refused. */
  signingContextFor(serverName: string, offer: () => ClientOffer): SigningContext | undefined {
    const context = this.contextFor(serverName);
    if (context === undefined) return undefined;
    const signers = this.#inService.signing.get(context);
    if (signers === undefined) return { context: context.pointer, isSlow: false };
    const signer = signers.length === 1 ? signers[0]! : chooseSigner(signers, offer());
    return { context: signer.context.pointer, isSlow: signer.isSlow };
  }

  /**
   * Takes new files into service; true when they had changed. Connections keep what they have. Throws UsageError when the new files
   * cannot be used, or hold a certificate that is out of date: the old ones stay in service.
   */
  renew(now = Date.now()): boolean {
    const seen = statesOf(this.options);
    if (seen === this.#seen && now < this.#validFrom) return false;
    // Files that cannot be used are complained of once, not at each look.
    this.#seen = seen;
    this.#validFrom = Infinity;
    const old = this.#inService;
    const certificates = this.options.files.map(read);
    this.#refuseOutOfDate(certificates, now);
    this.#inService = load(this.options, certificates, old.staples);
    closeAll(old);
    old.staples?.closeExcept(this.#inService.staples);
    return true;
  }

  /** One that was in service before has run out there, and keeps no other from being renewed. */
  #refuseOutOfDate(certificates: readonly Certificate[], now: number): void {
    certificates.forEach(({ files, pem, validFrom, validTo }, i) => {
      if (pem === this.#inService.certificates[i]!.pem) return;
      const cannot = `Cannot use the certificate ${files.cert}`;
      if (validTo < now) throw new UsageError(`${cannot}: it ${endText(validTo, now)}`);
      if (validFrom <= now) return;
      this.#validFrom = validFrom;
      throw new UsageError(`${cannot}: it is not valid before ${dateText(validFrom)}`);
    });
  }

  /**
   * Makes ready what other options say; what is returned takes it into service. Connections keep what they have. Throws UsageError naming
   * the file that cannot be used.
   */
  prepare(options: StoreOptions): () => void {
    const seen = statesOf(options);
    const old = this.#inService;
    const next = load(options, options.files.map(read), old.staples);
    return () => {
      this.options = options;
      this.#seen = seen;
      this.#validFrom = Infinity;
      this.#inService = next;
      closeAll(old);
      old.staples?.closeExcept(next.staples);
    };
  }

  /** Fetches OCSP responses that are due; never waits. */
  lookAtStaples(): void {
    this.#inService.staples?.look();
  }

  close(): void {
    closeAll(this.#inService);
    this.#inService.staples?.closeExcept(undefined);
  }
}

function closeAll({ contexts, fallback, signing }: InService): void {
  for (const signers of signing.values()) for (const { context } of signers) context.close();
  for (const context of contexts.values()) context.close();
  fallback.close();
}

function load(options: StoreOptions, certificates: readonly Certificate[], before?: Staples): InService {
  const { files, policy, hasTicketKeys, isStrict, clients, token } = options;
  const names = new CertificateNames(certificates);
  // One certificate and no strictness: there is nothing to choose, and nobody needs to be asked.
  const asksForName = certificates.length > 1 || isStrict;
  const staples = options.staples && new Staples(files, options.staples, before);
  const signing = new Map<TlsContext, readonly Signer[]>();
  const made: TlsContext[] = [];
  const make = (set: readonly Certificate[]) => {
    const all = set.map((certificate) => certificate.files);
    const stapleOf = staples && ((each: CertificateFiles) => staples.of(each));
    const common = { certificates: all, policy, clients, token };
    const asks = { asksForName, asksForTicketKeys: hasTicketKeys };
    if (!all.some(({ key }) => isKeyUri(key))) return new TlsContext({ ...common, ...asks, stapleOf });
    const silent = { asksForName: false, asksForTicketKeys: false };
    const signers = set.map(({ files, key }): Signer => {
      const isSlow = isKeyUri(files.key);
      const side = isSlow ? "thread" : undefined;
      const context = new TlsContext({ ...common, certificates: [files], stapleOf, ...silent, side });
      made.push(context);
      return { key, context, isSlow };
    });
    const context = new TlsContext({ ...common, ...asks, side: "loop" });
    signing.set(context, signers);
    return context;
  };
  const contexts = new Map<readonly Certificate[], TlsContext>();
  let fallback: TlsContext | undefined;
  try {
    // Many names share one set of certificates, as far as they are equal.
    const bySet = new Map<string, TlsContext>();
    for (const set of names.sets()) {
      const key = set.map((certificate) => certificates.indexOf(certificate)).join(" ");
      const context = bySet.get(key) ?? make(set);
      bySet.set(key, context);
      contexts.set(set, context);
    }
    const first = certificates[0]!;
    fallback = make(names.find(first.names[0] ?? "") ?? [first]);
    const authorities = clients ? [{ ca: clients.ca, pem: Deno.readTextFileSync(clients.ca) }] : [];
    return { certificates, names, contexts, fallback, staples, authorities, signing };
  } catch (error) {
    for (const context of [...made, ...contexts.values()]) context.close();
    fallback?.close();
    staples?.closeExcept(before);
    throw error instanceof TokenError ? new UsageError(tokenLine(error), { cause: error }) : error;
  }
}

function read(files: CertificateFiles): Certificate {
  try {
    const pem = Deno.readTextFileSync(files.cert);
    const certificate = new X509Certificate(pem);
    const { asymmetricKeyType: keyType = "", asymmetricKeyDetails } = certificate.publicKey;
    const key = { type: keyType, curve: asymmetricKeyDetails?.namedCurve };
    const [validFrom, validTo] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    return { files, pem, names: namesOf(certificate), keyType, key, validFrom, validTo };
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "no such file"
      : error instanceof Deno.errors.PermissionDenied
      ? "no right to read it"
      : "not a PEM certificate";
    throw new UsageError(`Cannot use the certificate ${files.cert}: ${why}`);
  }
}

/** DNS names of the subject alternative name: RFC 6125 section 6.4.4 leaves the common name out. */
function namesOf({ subjectAltName }: X509Certificate): string[] {
  const entries = (subjectAltName ?? "").split(",").map((entry) => entry.trim());
  return entries.filter((entry) => entry.startsWith("DNS:")).map((entry) => entry.slice(4).toLowerCase());
}

/** Changes when a file does. */
function statesOf({ files, clients }: StoreOptions): string {
  return [
    ...files.flatMap(({ cert, key, ocsp }) => [
      cert,
      ...(isKeyUri(key) ? [] : [key]),
      ...(ocsp === undefined || ocsp === FETCH ? [] : [ocsp]),
    ]),
    ...(clients ? [clients.ca, ...(clients.crl === undefined ? [] : [clients.crl])] : []),
  ].map(stateOf).join("\n");
}
