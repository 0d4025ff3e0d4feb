/** The client's side of TLS: who is trusted, what a server is called, and sessions that are resumed. */
import { UsageError } from "../core/errors.ts";
import { clearErrors, crypto, cString, firstError, loadOpenSsl, queuedErrors, ssl } from "./openssl.ts";
import { guarded, type HandshakeOwner, ownerOfCall } from "./tls_callbacks.ts";
import type { TlsSide } from "./tls_session.ts";

const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_READ_AHEAD = 41;
const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const TLSEXT_NAMETYPE_HOST_NAME = 0n;
const TLS1_2_VERSION = 0x0303n;
/** A write may end early; its rest may lie elsewhere; an idle session holds no buffers. */
const MODES = 0x1n | 0x2n | 0x10n;
const SSL_OP_NO_RENEGOTIATION = 1n << 30n;
const SSL_VERIFY_NONE = 0;
const SSL_VERIFY_PEER = 1;
/** SSL_SESS_CACHE_CLIENT and SSL_SESS_CACHE_NO_INTERNAL: we hear of sessions and keep them ourselves. */
const SESSIONS_ARE_OURS = 0x301n;
/** X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS and X509_CHECK_FLAG_NEVER_CHECK_SUBJECT: RFC 6125 section 6.4.4. */
const HOST_FLAGS = 0x4 | 0x20;
/** RFC 7301 section 3.1: the name with its length before it. OpenSSL copies it. */
const HTTP11 = new TextEncoder().encode("\x08http/1.1");
const HTTP2 = new TextEncoder().encode("\x02h2");

/** `int new_session_cb(SSL *, SSL_SESSION *)`: SSL_CTX_sess_set_new_cb(3ssl). 1 takes the session over. Never closed. */
const newSessionCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "pointer"], result: "i32" },
  (_object, session) =>
    guarded(() => {
      const owner = ownerOfCall();
      if (owner?.keepSession === undefined) return 0;
      owner.keepSession(session);
      return 1;
    }, 0),
);

export interface TlsClientOptions {
  /** PEM file of those who may sign; undefined: the system's store. */
  readonly ca: string | undefined;
  /** False: any certificate will do. */
  readonly verify: boolean;
  /** They are to speak HTTP/2, and not HTTP/1.1. */
  readonly http2?: boolean;
}

/** Settings for servers that are verified in the same way: SSL_CTX_new(3ssl). */
export class TlsClientContext {
  #context: Deno.PointerValue;

  /** Throws UsageError naming the file that cannot be used. */
  constructor({ ca, verify, http2 = false }: TlsClientOptions) {
    loadOpenSsl();
    queuedErrors();
    clearErrors();
    const context = ssl.SSL_CTX_new(ssl.TLS_client_method());
    if (context === null) throw new Error(`SSL_CTX_new: ${firstError()}`);
    this.#context = context;
    ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, null);
    ssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, MODES, null);
    ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1n, null);
    ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SESSIONS_ARE_OURS, null);
    ssl.SSL_CTX_sess_set_new_cb(context, newSessionCallback.pointer);
    ssl.SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    const protocol = http2 ? HTTP2 : HTTP11;
    ssl.SSL_CTX_set_alpn_protos(context, protocol, protocol.length);
    ssl.SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, null);
    // Reading files queues errors that are none.
    queuedErrors();
    if (!verify) return;
    if (ca === undefined) ssl.SSL_CTX_set_default_verify_paths(context);
    else if (ssl.SSL_CTX_load_verify_file(context, cString(ca)) !== 1) {
      const why = firstError();
      this.close();
      throw new UsageError(`Cannot use the CA certificates ${ca}: ${why}`);
    }
  }

  get pointer(): Deno.PointerValue {
    return this.#context;
  }

  /** A second call does nothing. Sessions made from it hold what they need of it. */
  close(): void {
    if (this.#context === null) return;
    ssl.SSL_CTX_free(this.#context);
    this.#context = null;
  }
}

/** One server: its name, and the session that the next connection to it resumes. */
export class TlsPeer implements TlsSide, HandshakeOwner {
  readonly tickets = undefined;
  #session: Deno.PointerValue = null;
  #isClosed = false;

  /** @param name a host name, or an IPv4 address, which is verified and not sent; undefined: neither verified nor sent */
  constructor(readonly context: TlsClientContext, readonly name: string | undefined) {}

  get pointer(): Deno.PointerValue {
    return this.context.pointer;
  }

  /** A server's business. */
  contextFor(): undefined {}

  begin(object: Deno.PointerValue): void {
    ssl.SSL_set_connect_state(object);
    if (this.name !== undefined) expectName(object, this.name);
    if (this.#session !== null) ssl.SSL_set_session(object, this.#session);
  }

  /** Says that no more will come; a session that is freed without would not be resumable: SSL_free(3ssl). */
  end(object: Deno.PointerValue): void {
    clearErrors();
    ssl.SSL_shutdown(object);
    queuedErrors();
  }

  keepSession(session: Deno.PointerValue): void {
    this.forgetSession();
    this.#session = session;
    // A connection may outlive it.
    if (this.#isClosed) this.forgetSession();
  }

  /** The next connection begins a new one. */
  forgetSession(): void {
    if (this.#session === null) return;
    ssl.SSL_SESSION_free(this.#session);
    this.#session = null;
  }

  /** Frees what it keeps; the context remains its owner's. A second call does nothing. */
  close(): void {
    this.#isClosed = true;
    this.forgetSession();
  }
}

/** Makes verification look for the name, and asks the server for it: an address is not to be sent, RFC 6066 section 3. */
function expectName(object: Deno.PointerValue, name: string): void {
  const text = cString(name);
  if (/^[0-9.]+$/.test(name)) {
    crypto.X509_VERIFY_PARAM_set1_ip_asc(ssl.SSL_get0_param(object), text);
    return;
  }
  ssl.SSL_set_hostflags(object, HOST_FLAGS);
  ssl.SSL_set1_host(object, text);
  ssl.SSL_ctrl(object, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_HOST_NAME, text);
}
