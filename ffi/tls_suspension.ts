/**
 * Handshakes whose signature a device makes: they are suspended where the certificate's key is needed, and go on, as far as that
 * step, on a thread of Deno's pool. SSL_CTX_set_cert_cb(3ssl): the callback comes when the extensions have been dealt with (server
 * name, ticket, ALPN of TLS 1.3), and not at all when a session is resumed.
 */
import { ssl } from "./openssl.ts";
import { counted } from "./thread_calls.ts";
import { ownerOfCall } from "./tls_callbacks.ts";

function load() {
  return Deno.dlopen("libssl.so.3", {
    // void SSL_CTX_set_cert_cb(SSL_CTX *c, int (*cert_cb)(SSL *ssl, void *arg), void *arg); void SSL_set_cert_cb(SSL *s, ...)
    SSL_CTX_set_cert_cb: { parameters: ["pointer", "function", "pointer"], result: "void" },
    SSL_set_cert_cb: { parameters: ["pointer", "function", "pointer"], result: "void" },
    // int SSL_do_handshake(SSL *ssl)
    SSL_do_handshake: { parameters: ["pointer"], result: "i32", nonblocking: true },
    // int SSL_get_signature_type_nid(const SSL *ssl, int *psigtype_nid)
    SSL_get_signature_type_nid: { parameters: ["pointer", "buffer"], result: "i32" },
    // const char *SSL_state_string(const SSL *ssl)
    SSL_state_string: { parameters: ["pointer"], result: "pointer" },
  }).symbols;
}

let symbols: ReturnType<typeof load> | undefined;

const TLSEXT_NAMETYPE_HOST_NAME = 0;
const REFUSED = 0;
const GO_ON = 1;
const SUSPEND = -1;

const certificateCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "pointer"], result: "i32" },
  (session) => {
    try {
      const text = ssl.SSL_get_servername(session, TLSEXT_NAMETYPE_HOST_NAME);
      const name = text === null ? "" : new Deno.UnsafePointerView(text).getCString().toLowerCase();
      const choice = ownerOfCall()!.signingContextFor?.(name);
      if (choice === undefined) return REFUSED;
      ssl.SSL_set_SSL_CTX(session, choice.context);
      if (!choice.isSlow) return GO_ON;
      // What runs on the thread must not come back here.
      symbols!.SSL_set_cert_cb(session, null, null);
      return SUSPEND;
    } catch {
      return REFUSED;
    }
  },
);

/** Handshakes of the context are suspended where they need its key. */
export function suspendForKey(context: Deno.PointerValue): void {
  symbols ??= load();
  symbols.SSL_CTX_set_cert_cb(context, certificateCallback.pointer, null);
}

/** Takes a suspended handshake one step on, on a thread of its own: the session is that thread's until this resolves. */
export async function stepOnThread(session: Deno.PointerValue): Promise<number> {
  const result = await counted(symbols!.SSL_do_handshake(session));
  // After a HelloRetryRequest (RFC 8446 section 4.1.4) nothing is signed yet, and the next ClientHello is read here.
  if (result !== 1) symbols!.SSL_set_cert_cb(session, certificateCallback.pointer, null);
  return result;
}

const nid = new Uint8Array(4);

/** Why a step failed: the thread kept OpenSSL's own words to itself. */
export function whyStepFailed(session: Deno.PointerValue): string {
  const state = new Deno.UnsafePointerView(symbols!.SSL_state_string(session)!).getCString();
  if (state !== "SSLERR") return "connection broken";
  const wasToSign = symbols!.SSL_get_signature_type_nid(session, nid) === 1;
  return wasToSign ? "the hardware key did not sign" : "no cipher or signature in common";
}
