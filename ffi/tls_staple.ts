/**
 * OCSP responses that a server sends with its certificate: RFC 6066 section 8.
 *
 * - `int status_cb(SSL *, void *arg)`: SSL_CTX_set_tlsext_status_cb(3ssl). It is called once the certificate is chosen, and only for a
 *   client that asks.
 */
import { ssl } from "./openssl.ts";
import { guarded } from "./tls_callbacks.ts";

const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 63;
const SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 71;
const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_NOACK = 3;

/** Has the present answer about a certificate, or none. */
export interface Staple {
  /** An OCSPResponse in DER that is valid now. */
  readonly response: Uint8Array<ArrayBuffer> | undefined;
}

function load() {
  const { SSL_get_certificate, SSL_CTX_get0_certificate, SSL_ctrl } = Deno.dlopen("libssl.so.3", {
    // X509 *SSL_get_certificate(const SSL *ssl); X509 *SSL_CTX_get0_certificate(const SSL_CTX *ctx)
    SSL_get_certificate: { parameters: ["pointer"], result: "pointer" },
    SSL_CTX_get0_certificate: { parameters: ["pointer"], result: "pointer" },
    // long SSL_ctrl(SSL *ssl, int cmd, long larg, void *parg)
    SSL_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
  }).symbols;
  const { CRYPTO_malloc } = Deno.dlopen("libcrypto.so.3", {
    // void *CRYPTO_malloc(size_t num, const char *file, int line)
    CRYPTO_malloc: { parameters: ["u32", "pointer", "i32"], result: "pointer" },
  }).symbols;
  const { memcpy } = Deno.dlopen("libc.so.6", {
    // void *memcpy(void *, const void *, size_t)
    memcpy: { parameters: ["pointer", "buffer", "u32"], result: "pointer" },
  }).symbols;
  return { SSL_get_certificate, SSL_CTX_get0_certificate, SSL_ctrl, CRYPTO_malloc, memcpy };
}

let lib: ReturnType<typeof load>;

/** By the address of the X509 that a context holds, and each session made from it. */
const staples = new Map<bigint, Staple>();

/** Made once, never closed. */
const statusCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "pointer"], result: "i32" },
  (session) =>
    guarded(() => {
      const response = staples.get(Deno.UnsafePointer.value(lib.SSL_get_certificate(session)))?.response;
      if (response === undefined) return SSL_TLSEXT_ERR_NOACK;
      // OpenSSL frees it with the session.
      const copy = lib.CRYPTO_malloc(response.length, null, 0);
      if (copy === null) return SSL_TLSEXT_ERR_NOACK;
      lib.memcpy(copy, response, response.length);
      lib.SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, BigInt(response.length), copy);
      return SSL_TLSEXT_ERR_OK;
    }, SSL_TLSEXT_ERR_NOACK),
);

/** Sends the staple with the certificate that the context was given last. Returns what ends it, before the context is freed. */
export function stapleTo(context: Deno.PointerValue, staple: Staple): () => void {
  lib ??= load();
  const address = Deno.UnsafePointer.value(lib.SSL_CTX_get0_certificate(context));
  staples.set(address, staple);
  ssl.SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, statusCallback.pointer);
  return () => staples.delete(address);
}
