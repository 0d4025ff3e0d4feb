/** Certificates of clients: who may sign them, whether they are asked for, and who a client is by his. */
import { createHash } from "node:crypto";
import { UsageError } from "../core/errors.ts";
import { refuseRevoked } from "./crl.ts";
import { clearErrors, crypto, cString, firstError, queuedErrors, ssl } from "./openssl.ts";

const SSL_VERIFY_PEER = 1;
const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2;
/** Longest session id context: SSL_CTX_set_session_id_context(3ssl). */
const CONTEXT_BYTES = 32;
/** XN_FLAG_RFC2253: whatever is not printable ASCII is escaped, so that the text can stand in a field. */
const XN_FLAG_RFC2253 = 0x1110317n;
const SHA256_BYTES = 32;

export interface ClientAuthority {
  /** PEM file of those who may sign. */
  readonly ca: string;
  /** PEM file of the certificates that they revoked. */
  readonly crl?: string | undefined;
  /** A client without a certificate is refused in its handshake. */
  readonly isRequired: boolean;
}

/** A certificate that was verified. */
export interface PeerCertificate {
  /** RFC 4514, as `CN=alice,O=Shop`: printable ASCII. */
  readonly subject: string;
  /** SHA-256 of the whole, 64 hexadecimal digits in lower case. */
  readonly fingerprint: string;
}

/** Makes a server's SSL_CTX ask each client for a certificate. Throws UsageError naming the file that cannot be used. */
export function askForCertificates(context: Deno.PointerValue, { ca, crl, isRequired }: ClientAuthority): void {
  queuedErrors();
  clearErrors();
  const names = ssl.SSL_load_client_CA_file(cString(ca));
  if (names !== null) ssl.SSL_CTX_set_client_CA_list(context, names);
  if (names === null || ssl.SSL_CTX_load_verify_file(context, cString(ca)) !== 1) {
    throw new UsageError(`Cannot use the CA certificates ${ca}: ${firstError()}`);
  }
  const revoked = crl === undefined ? undefined : readFile(crl);
  if (revoked !== undefined && !refuseRevoked(context, revoked)) {
    throw new UsageError(`Cannot use the revocation list ${crl}: no PEM list of revoked certificates`);
  }
  ssl.SSL_CTX_set_verify(
    context,
    isRequired ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER,
    null,
  );
  // A session that began under other rules is not resumed: nobody would verify its client anew.
  const rules = createHash("sha256").update(`${isRequired}\n`).update(Deno.readFileSync(ca));
  if (revoked !== undefined) rules.update("revoked\n").update(revoked);
  ssl.SSL_CTX_set_session_id_context(context, new Uint8Array(rules.digest()), CONTEXT_BYTES);
}

function readFile(file: string): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(file);
  } catch (error) {
    throw new UsageError(`Cannot use the revocation list ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Who the client of a session is, begun or resumed; undefined when it showed no certificate. */
export function peerCertificate(object: Deno.PointerValue): PeerCertificate | undefined {
  const certificate = ssl.SSL_get1_peer_certificate(object);
  if (certificate === null) return undefined;
  try {
    return { subject: subjectOf(certificate), fingerprint: fingerprintOf(certificate) };
  } finally {
    crypto.X509_free(certificate);
    queuedErrors();
  }
}

function subjectOf(certificate: Deno.PointerValue): string {
  const bio = crypto.BIO_new(crypto.BIO_s_mem());
  if (bio === null) throw new Error(`BIO_new: ${firstError()}`);
  try {
    const length = crypto.X509_NAME_print_ex(bio, crypto.X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    if (length < 0) throw new Error(`X509_NAME_print_ex: ${firstError()}`);
    const bytes = new Uint8Array(length);
    return new TextDecoder().decode(bytes.subarray(0, Math.max(0, crypto.BIO_read(bio, bytes, length))));
  } finally {
    crypto.BIO_free(bio);
  }
}

function fingerprintOf(certificate: Deno.PointerValue): string {
  const digest = new Uint8Array(SHA256_BYTES);
  if (crypto.X509_digest(certificate, crypto.EVP_sha256(), digest, null) !== 1) {
    throw new Error(`X509_digest: ${firstError()}`);
  }
  return digest.toHex();
}
