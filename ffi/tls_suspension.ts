/**
 * Handshakes whose signature a device makes: they are suspended where the certificate's key is needed, and go on, as far as that
 * step, on a thread of Deno's pool. SSL_CTX_set_cert_cb(3ssl): the callback comes when the extensions have been dealt with (server
 * name, ticket, ALPN of TLS 1.3), and not at all when a session is resumed.
 */
import { ssl } from "./openssl.ts";
import { counted } from "./thread_calls.ts";
import { ownerOfCall } from "./tls_callbacks.ts";
import { offerOf } from "./tls_offer.ts";
import { stapleBeforeThread } from "./tls_staple.ts";

function load() {
  const tls = Deno.dlopen("libssl.so.3", {
    // void SSL_CTX_set_cert_cb(SSL_CTX *c, int (*cert_cb)(SSL *ssl, void *arg), void *arg); void SSL_set_cert_cb(SSL *s, ...)
    SSL_CTX_set_cert_cb: { parameters: ["pointer", "function", "pointer"], result: "void" },
    SSL_set_cert_cb: { parameters: ["pointer", "function", "pointer"], result: "void" },
    // int SSL_do_handshake(SSL *ssl)
    SSL_do_handshake: { parameters: ["pointer"], result: "i32", nonblocking: true },
    // int SSL_version(const SSL *s); long SSL_ctrl(SSL *ssl, int cmd, long larg, void *parg)
    SSL_version: { parameters: ["pointer"], result: "i32" },
    SSL_ctrl: { parameters: ["pointer", "i32", "i64", "buffer"], result: "i64" },
    // int SSL_get_signature_type_nid(const SSL *ssl, int *psigtype_nid)
    SSL_get_signature_type_nid: { parameters: ["pointer", "buffer"], result: "i32" },
    // const char *SSL_state_string(const SSL *ssl)
    SSL_state_string: { parameters: ["pointer"], result: "pointer" },
    // BIO *SSL_get_rbio(const SSL *ssl); void SSL_set0_rbio(SSL *s, BIO *rbio)
    SSL_get_rbio: { parameters: ["pointer"], result: "pointer" },
    SSL_set0_rbio: { parameters: ["pointer", "pointer"], result: "void" },
  }).symbols;
  const bio = Deno.dlopen("libcrypto.so.3", {
    // BIO *BIO_new(const BIO_METHOD *type); const BIO_METHOD *BIO_s_mem(void); int BIO_up_ref(BIO *a)
    BIO_new: { parameters: ["pointer"], result: "pointer" },
    BIO_s_mem: { parameters: [], result: "pointer" },
    BIO_up_ref: { parameters: ["pointer"], result: "i32" },
    // long BIO_ctrl(BIO *bp, int cmd, long larg, void *parg)
    BIO_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
    // void EVP_PKEY_free(EVP_PKEY *key)
    EVP_PKEY_free: { parameters: ["pointer"], result: "void" },
  }).symbols;
  return { ...tls, ...bio };
}

let symbols: ReturnType<typeof load> | undefined;

const TLSEXT_NAMETYPE_HOST_NAME = 0;
const TLS1_3_VERSION = 0x0304;
const SSL_CTRL_GET_PEER_TMP_KEY = 109;
const BIO_C_SET_BUF_MEM_EOF_RETURN = 130;
const REFUSED = 0;
const GO_ON = 1;
const SUSPEND = -1;

const certificateCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "pointer"], result: "i32" },
  (session) => {
    try {
      if (awaitsSecondHello(session)) return GO_ON;
      const text = ssl.SSL_get_servername(session, TLSEXT_NAMETYPE_HOST_NAME);
      const name = text === null ? "" : new Deno.UnsafePointerView(text).getCString().toLowerCase();
      const choice = ownerOfCall()!.signingContextFor?.(name, () => offerOf(session));
      if (choice === undefined) return REFUSED;
      ssl.SSL_set_SSL_CTX(session, choice.context);
      if (!choice.isSlow) return GO_ON;
      stapleBeforeThread(session);
      return SUSPEND;
    } catch {
      return REFUSED;
    }
  },
);

const address = new BigUint64Array(1);

/** No key share of the client fits: a HelloRetryRequest is sent, which nobody signs (RFC 8446 section 4.1.4). */
function awaitsSecondHello(session: Deno.PointerValue): boolean {
  if (symbols!.SSL_version(session) !== TLS1_3_VERSION) return false;
  if (symbols!.SSL_ctrl(session, SSL_CTRL_GET_PEER_TMP_KEY, 0n, address) !== 1n) return true;
  symbols!.EVP_PKEY_free(Deno.UnsafePointer.create(address[0]!));
  return false;
}

/** Handshakes of the context are suspended where they need its key. */
export function suspendForKey(context: Deno.PointerValue): void {
  symbols ??= load();
  symbols.SSL_CTX_set_cert_cb(context, certificateCallback.pointer, null);
}

/**
 * Takes a suspended handshake up to where it waits for the client, on a thread: the session is that thread's until the result of
 * SSL_do_handshake is there, and `after` is called with it. The thread is given nothing to read: it would go on with a client that
 * answers at once, as far as the ticket, for which OpenSSL calls back.
 */
export async function stepOnThread<T>(session: Deno.PointerValue, after: (result: number) => T): Promise<T> {
  const { BIO_ctrl, BIO_new, BIO_s_mem, BIO_up_ref, SSL_get_rbio, SSL_set0_rbio, SSL_do_handshake } = symbols!;
  const input = SSL_get_rbio(session);
  BIO_up_ref(input);
  const nothing = BIO_new(BIO_s_mem());
  // Its end means: later.
  BIO_ctrl(nothing, BIO_C_SET_BUF_MEM_EOF_RETURN, -1n, null);
  SSL_set0_rbio(session, nothing);
  const result = await counted(SSL_do_handshake(session));
  const outcome = after(result);
  SSL_set0_rbio(session, input);
  return outcome;
}

const nid = new Uint8Array(4);

/** Why a step failed: the thread kept OpenSSL's own words to itself. */
export function whyStepFailed(session: Deno.PointerValue): string {
  const state = new Deno.UnsafePointerView(symbols!.SSL_state_string(session)!).getCString();
  if (state !== "SSLERR") return "connection broken";
  const wasToSign = symbols!.SSL_get_signature_type_nid(session, nid) === 1;
  return wasToSign ? "the hardware key did not sign" : "no cipher or signature in common";
}
