/**
 * OCSP responses that a server sends with its certificate: RFC 6066 section 8.
 *
 * - `int status_cb(SSL *, void *arg)`: SSL_CTX_set_tlsext_status_cb(3ssl). It is called once the certificate is chosen, and only for a
 *   client that asks.
 *
 * Where a thread signs, that callback may not be ours: the response is put on the session beforehand, on the loop, and the callback is
 * a function of OpenSSL that answers SSL_TLSEXT_ERR_OK, which means: send what is there, if anything is.
 */
import { ssl } from "./openssl.ts";
import { guarded } from "./tls_callbacks.ts";

const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 63;
const SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 71;
const SSL_CTRL_GET_TLSEXT_STATUS_REQ_TYPE = 127;
const TLSEXT_STATUSTYPE_OCSP = 1n;
const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_NOACK = 3;

/** Has the present answer about a certificate, or none. */
export interface Staple {
  /** An OCSPResponse in DER that is valid now. */
  readonly response: Uint8Array<ArrayBuffer> | undefined;
}

function load() {
  const tls = Deno.dlopen("libssl.so.3", {
    // X509 *SSL_get_certificate(const SSL *ssl); X509 *SSL_CTX_get0_certificate(const SSL_CTX *ctx)
    SSL_get_certificate: { parameters: ["pointer"], result: "pointer" },
    SSL_CTX_get0_certificate: { parameters: ["pointer"], result: "pointer" },
    // long SSL_ctrl(SSL *ssl, int cmd, long larg, void *parg)
    SSL_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
    // int SSL_is_dtls(const SSL *s): 0, as SSL_TLSEXT_ERR_OK is, for each session of TLS; it leaves a second argument unread
    SSL_is_dtls: { type: "pointer" },
  }).symbols;
  const { CRYPTO_malloc } = Deno.dlopen("libcrypto.so.3", {
    // void *CRYPTO_malloc(size_t num, const char *file, int line)
    CRYPTO_malloc: { parameters: ["u32", "pointer", "i32"], result: "pointer" },
  }).symbols;
  const { memcpy } = Deno.dlopen("libc.so.6", {
    // void *memcpy(void *, const void *, size_t)
    memcpy: { parameters: ["pointer", "buffer", "u32"], result: "pointer" },
  }).symbols;
  return { ...tls, CRYPTO_malloc, memcpy };
}

let lib: ReturnType<typeof load> | undefined;

/** By the address of the X509 that a context holds, and each session made from it. */
const staples = new Map<bigint, Staple>();

/** Made once, never closed. */
const statusCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "pointer"], result: "i32" },
  (session) => guarded(() => putResponse(session) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_NOACK),
);

/** Puts the response about a session's certificate beside it; false where there is none. */
function putResponse(session: Deno.PointerValue): boolean {
  const { SSL_get_certificate, CRYPTO_malloc, memcpy, SSL_ctrl } = lib!;
  const response = staples.get(Deno.UnsafePointer.value(SSL_get_certificate(session)))?.response;
  if (response === undefined) return false;
  // OpenSSL frees it with the session.
  const copy = CRYPTO_malloc(response.length, null, 0);
  if (copy === null) return false;
  memcpy(copy, response, response.length);
  SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, BigInt(response.length), copy);
  return true;
}

/** For a session that goes on on a thread with its context's only certificate: its response, where the client asks for it. */
export function stapleBeforeThread(session: Deno.PointerValue): void {
  if (lib?.SSL_ctrl(session, SSL_CTRL_GET_TLSEXT_STATUS_REQ_TYPE, 0n, null) === TLSEXT_STATUSTYPE_OCSP) {
    putResponse(session);
  }
}

/**
 * Sends the staple with the certificate that the context was given last. Returns what ends it, before the context is freed.
 *
 * @param isForThread nothing of ours is called: {@linkcode stapleBeforeThread} comes before
 */
export function stapleTo(context: Deno.PointerValue, staple: Staple, isForThread: boolean): () => void {
  lib ??= load();
  const address = Deno.UnsafePointer.value(lib.SSL_CTX_get0_certificate(context));
  staples.set(address, staple);
  const callback = isForThread ? lib.SSL_is_dtls : statusCallback.pointer;
  ssl.SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, callback);
  return () => staples.delete(address);
}
