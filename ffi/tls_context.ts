/** A server's certificates and settings: SSL_CTX_new(3ssl). */
import { hasPassword } from "../core/certificates/key_text.ts";
import { readText, Unreadable } from "../core/config/read.ts";
import { UsageError } from "../core/errors.ts";
import { isKeyUri } from "../core/tls/key_uri.ts";
import { clearErrors, cString, firstError, loadOpenSsl, queuedErrors, ssl } from "./openssl.ts";
import type { Pkcs11Token } from "./pkcs11_token.ts";
import { alpnCallback, passwordCallback, serverNameCallback, ticketCallback } from "./tls_callbacks.ts";
import { askForCertificates, type ClientAuthority } from "./tls_peer_certificate.ts";
import type { TlsSide } from "./tls_session.ts";
import { type Staple, stapleTo } from "./tls_staple.ts";
import { suspendForKey } from "./tls_suspension.ts";

const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_READ_AHEAD = 41;
const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
const SSL_CTRL_SET_TLSEXT_SERVERNAME_CB = 53;
const SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB = 72;
const SSL_CTRL_SET_GROUPS_LIST = 92;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const TLS1_2_VERSION = 0x0303;
const TLS1_3_VERSION = 0x0304;
/** A write may end early; its rest may lie elsewhere; an idle session holds no buffers. */
const MODES = 0x1 | 0x2 | 0x10;
const SSL_OP_NO_RENEGOTIATION = 1n << 30n;
const SSL_OP_CIPHER_SERVER_PREFERENCE = 1n << 22n;
const SSL_FILETYPE_PEM = 1;
/** Tickets are enough: a cache would grow with the clients. */
const SSL_SESS_CACHE_OFF = 0n;
/** OpenSSL sends two by default; a client that opens two connections at once makes a second handshake, no more. */
const TICKETS_A_HANDSHAKE = 1;

/** Mozilla's Server Side TLS 5.7, without DHE: TLS 1.3 alone, or 1.2 too with forward secrecy and AEAD. */
const POLICIES = {
  modern: TLS1_3_VERSION,
  intermediate: TLS1_2_VERSION,
} as const;
const CIPHERS_1_2 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" +
  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
const CIPHERS_1_3 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
const GROUPS = "X25519:P-256:P-384";

export type TlsPolicy = keyof typeof POLICIES;

/** PEM files: the chain with the server's certificate first, and its key, or the PKCS#11 URI of a key in a token. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** File of its OCSP response, or "fetch"; undefined: none is sent. */
  readonly ocsp?: string | undefined;
}

export interface TlsContextOptions {
  /** Of one key type each; OpenSSL chooses by what the client can verify. */
  readonly certificates: readonly CertificateFiles[];
  readonly policy: TlsPolicy;
  /** The handshake's owner is asked for the context of a name. */
  readonly asksForName: boolean;
  /** The handshake's owner has the keys of tickets; else OpenSSL makes its own. */
  readonly asksForTicketKeys: boolean;
  /** Clients are asked for certificates that these signed; undefined asks for none. */
  readonly clients?: ClientAuthority | undefined;
  /** The OCSP response to be sent with a certificate. */
  readonly stapleOf?: ((files: CertificateFiles) => Staple | undefined) | undefined;
  /** Of keys by PKCS#11 URI. */
  readonly token?: Pkcs11Token | undefined;
  /**
   * Where a key of it is in the token: `loop` suspends handshakes before the key is used, `thread` is for that use, has one
   * certificate, and calls nothing back. Absent where no key is.
   */
  readonly side?: "loop" | "thread" | undefined;
}

export class TlsContext implements TlsSide {
  #context: Deno.PointerValue;
  /** Each ends the stapling of a certificate. */
  #stapled: (() => void)[] = [];

  /** Throws UsageError naming the file that cannot be used. */
  constructor(options: TlsContextOptions) {
    const { certificates, policy, asksForName, asksForTicketKeys, clients, stapleOf, token, side } = options;
    loadOpenSsl();
    queuedErrors();
    clearErrors();
    this.#context = ssl.SSL_CTX_new(ssl.TLS_server_method());
    if (this.#context === null) throw new Error(`SSL_CTX_new: ${firstError()}`);
    try {
      const context = this.#context;
      ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, BigInt(POLICIES[policy]), null);
      ssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, BigInt(MODES), null);
      // One recv a record instead of two.
      ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1n, null);
      ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, null);
      ssl.SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
      check("SSL_CTX_set_cipher_list", ssl.SSL_CTX_set_cipher_list(context, cString(CIPHERS_1_2)));
      check("SSL_CTX_set_ciphersuites", ssl.SSL_CTX_set_ciphersuites(context, cString(CIPHERS_1_3)));
      check("groups", Number(ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0n, cString(GROUPS))));
      ssl.SSL_CTX_set_num_tickets(context, TICKETS_A_HANDSHAKE);
      // Every context of a server has the same: a session may be resumed under another name's.
      ssl.SSL_CTX_set_session_id_context(context, cString("dlba"), 4);
      if (side !== "thread") ssl.SSL_CTX_set_alpn_select_cb(context, alpnCallback.pointer, null);
      if (side === "loop") suspendForKey(context);
      ssl.SSL_CTX_set_default_passwd_cb(context, passwordCallback.pointer);
      if (asksForName) {
        ssl.SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, serverNameCallback.pointer);
      }
      if (asksForTicketKeys) {
        ssl.SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB, ticketCallback.pointer);
      }
      // No callback: who is asked for is sent from the thread, the answer is read and verified on the loop.
      if (clients !== undefined) askForCertificates(context, clients);
      for (const files of certificates) {
        this.#use(files, token);
        const staple = stapleOf?.(files);
        if (staple !== undefined) this.#stapled.push(stapleTo(context, staple, side === "thread"));
      }
      queuedErrors();
    } catch (error) {
      queuedErrors();
      this.close();
      throw error;
    }
  }

  #use({ cert, key }: CertificateFiles, token: Pkcs11Token | undefined): void {
    // Reading a file to its end queues an error that is none.
    queuedErrors();
    clearErrors();
    if (ssl.SSL_CTX_use_certificate_chain_file(this.#context, cString(cert)) !== 1) {
      throw new UsageError(`Cannot use the certificate ${cert}: ${firstError()}`);
    }
    queuedErrors();
    clearErrors();
    const why = this.#useKey(key, token) ? "" : whyNoKey(key);
    if (why !== "" && why !== OTHER_KEY) {
      throw new UsageError(`Cannot use the key ${key} with the certificate ${cert}: ${why}`);
    }
    // A key of another type is taken, beside the certificate.
    if (why === OTHER_KEY || ssl.SSL_CTX_check_private_key(this.#context) !== 1) {
      throw new UsageError(`The key ${key} is not that of the certificate ${cert}`);
    }
  }

  #useKey(key: string, token: Pkcs11Token | undefined): boolean {
    if (isKeyUri(key)) return token!.useIn(this.#context, key);
    return ssl.SSL_CTX_use_PrivateKey_file(this.#context, cString(key), SSL_FILETYPE_PEM) === 1;
  }

  /** For SSL_new and SSL_set_SSL_CTX, which take references of their own. */
  get pointer(): Deno.PointerValue {
    return this.#context;
  }

  begin(object: Deno.PointerValue): void {
    ssl.SSL_set_accept_state(object);
  }

  end(): void {}

  /** A second call does nothing. Sessions made from it hold what they need of it. */
  close(): void {
    if (this.#context === null) return;
    for (const end of this.#stapled) end();
    ssl.SSL_CTX_free(this.#context);
    this.#context = null;
  }
}

/** X509_R_KEY_VALUES_MISMATCH in OpenSSL's words. */
const OTHER_KEY = "key values mismatch";

/** OpenSSL's own words tell neither that a file is missing nor that a password is. */
function whyNoKey(key: string): string {
  const why = firstError();
  try {
    if (!isKeyUri(key) && hasPassword(readText(key))) return "it has a password";
  } catch (error) {
    if (error instanceof Unreadable) return error.message;
    throw error;
  }
  return why || "OpenSSL does not take it";
}

function check(call: string, result: number): void {
  if (result !== 1) throw new Error(`${call}: ${firstError()}`);
}
