/**
 * OpenSSL 3, loaded when TLS is first used. One thread uses an SSL object at a time; the error queue is cleared before each call
 * whose error is asked for (SSL_get_error(3ssl)).
 */
import { UsageError } from "../core/errors.ts";
import { strerror } from "./errno.ts";

function loadSsl() {
  try {
    return Deno.dlopen("libssl.so.3", {
      // const SSL_METHOD *TLS_server_method(void)
      TLS_server_method: { parameters: [], result: "pointer" },
      // const SSL_METHOD *TLS_client_method(void)
      TLS_client_method: { parameters: [], result: "pointer" },
      // SSL_CTX *SSL_CTX_new(const SSL_METHOD *method); void SSL_CTX_free(SSL_CTX *ctx)
      SSL_CTX_new: { parameters: ["pointer"], result: "pointer" },
      SSL_CTX_free: { parameters: ["pointer"], result: "void" },
      // long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg)
      SSL_CTX_ctrl: { parameters: ["pointer", "i32", "i64", "buffer"], result: "i64" },
      // long SSL_CTX_callback_ctrl(SSL_CTX *ctx, int cmd, void (*fp)(void))
      SSL_CTX_callback_ctrl: { parameters: ["pointer", "i32", "function"], result: "i64" },
      // void SSL_CTX_set_alpn_select_cb(SSL_CTX *ctx, SSL_CTX_alpn_select_cb_func cb, void *arg)
      SSL_CTX_set_alpn_select_cb: { parameters: ["pointer", "function", "pointer"], result: "void" },
      // uint64_t SSL_CTX_set_options(SSL_CTX *ctx, uint64_t options)
      SSL_CTX_set_options: { parameters: ["pointer", "u64"], result: "u64" },
      // int SSL_CTX_set_cipher_list(SSL_CTX *ctx, const char *str); int SSL_CTX_set_ciphersuites(SSL_CTX *ctx, const char *str)
      SSL_CTX_set_cipher_list: { parameters: ["pointer", "buffer"], result: "i32" },
      SSL_CTX_set_ciphersuites: { parameters: ["pointer", "buffer"], result: "i32" },
      // int SSL_CTX_set_num_tickets(SSL_CTX *ctx, size_t num_tickets)
      SSL_CTX_set_num_tickets: { parameters: ["pointer", "u32"], result: "i32" },
      // int SSL_CTX_use_certificate_chain_file(SSL_CTX *ctx, const char *file)
      SSL_CTX_use_certificate_chain_file: { parameters: ["pointer", "buffer"], result: "i32" },
      // int SSL_CTX_use_PrivateKey_file(SSL_CTX *ctx, const char *file, int type)
      SSL_CTX_use_PrivateKey_file: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
      // int SSL_CTX_check_private_key(const SSL_CTX *ctx)
      SSL_CTX_check_private_key: { parameters: ["pointer"], result: "i32" },
      // void SSL_CTX_set_default_passwd_cb(SSL_CTX *ctx, pem_password_cb *cb)
      SSL_CTX_set_default_passwd_cb: { parameters: ["pointer", "function"], result: "void" },
      // int SSL_CTX_set_session_id_context(SSL_CTX *ctx, const unsigned char *sid_ctx, unsigned int sid_ctx_len)
      SSL_CTX_set_session_id_context: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
      // void SSL_CTX_set_verify(SSL_CTX *ctx, int mode, SSL_verify_cb verify_callback)
      SSL_CTX_set_verify: { parameters: ["pointer", "i32", "pointer"], result: "void" },
      // int SSL_CTX_load_verify_file(SSL_CTX *ctx, const char *CAfile); int SSL_CTX_set_default_verify_paths(SSL_CTX *ctx)
      SSL_CTX_load_verify_file: { parameters: ["pointer", "buffer"], result: "i32" },
      SSL_CTX_set_default_verify_paths: { parameters: ["pointer"], result: "i32" },
      // STACK_OF(X509_NAME) *SSL_load_client_CA_file(const char *file)
      SSL_load_client_CA_file: { parameters: ["buffer"], result: "pointer" },
      // void SSL_CTX_set_client_CA_list(SSL_CTX *ctx, STACK_OF(X509_NAME) *list), which takes the list over
      SSL_CTX_set_client_CA_list: { parameters: ["pointer", "pointer"], result: "void" },
      // X509 *SSL_get1_peer_certificate(const SSL *ssl)
      SSL_get1_peer_certificate: { parameters: ["pointer"], result: "pointer" },
      // int SSL_CTX_set_alpn_protos(SSL_CTX *ctx, const unsigned char *protos, unsigned int protos_len)
      SSL_CTX_set_alpn_protos: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
      // void SSL_get0_alpn_selected(const SSL *ssl, const unsigned char **data, unsigned int *len)
      SSL_get0_alpn_selected: { parameters: ["pointer", "buffer", "buffer"], result: "void" },
      // void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, int (*new_session_cb)(SSL *, SSL_SESSION *))
      SSL_CTX_sess_set_new_cb: { parameters: ["pointer", "function"], result: "void" },
      // SSL *SSL_new(SSL_CTX *ctx); void SSL_free(SSL *ssl)
      SSL_new: { parameters: ["pointer"], result: "pointer" },
      SSL_free: { parameters: ["pointer"], result: "void" },
      // SSL_CTX *SSL_set_SSL_CTX(SSL *ssl, SSL_CTX *ctx)
      SSL_set_SSL_CTX: { parameters: ["pointer", "pointer"], result: "pointer" },
      // const char *SSL_get_servername(const SSL *s, const int type)
      SSL_get_servername: { parameters: ["pointer", "i32"], result: "pointer" },
      // int SSL_version(const SSL *ssl)
      SSL_version: { parameters: ["pointer"], result: "i32" },
      // int SSL_set_fd(SSL *ssl, int fd)
      SSL_set_fd: { parameters: ["pointer", "i32"], result: "i32" },
      // void SSL_set_accept_state(SSL *ssl)
      SSL_set_accept_state: { parameters: ["pointer"], result: "void" },
      // void SSL_set_connect_state(SSL *ssl)
      SSL_set_connect_state: { parameters: ["pointer"], result: "void" },
      // long SSL_ctrl(SSL *ssl, int cmd, long larg, void *parg)
      SSL_ctrl: { parameters: ["pointer", "i32", "i64", "buffer"], result: "i64" },
      // int SSL_set1_host(SSL *s, const char *hostname); void SSL_set_hostflags(SSL *s, unsigned int flags)
      SSL_set1_host: { parameters: ["pointer", "buffer"], result: "i32" },
      SSL_set_hostflags: { parameters: ["pointer", "u32"], result: "void" },
      // X509_VERIFY_PARAM *SSL_get0_param(SSL *ssl)
      SSL_get0_param: { parameters: ["pointer"], result: "pointer" },
      // int SSL_set_session(SSL *ssl, SSL_SESSION *session); void SSL_SESSION_free(SSL_SESSION *session)
      SSL_set_session: { parameters: ["pointer", "pointer"], result: "i32" },
      SSL_SESSION_free: { parameters: ["pointer"], result: "void" },
      // int SSL_do_handshake(SSL *ssl)
      SSL_do_handshake: { parameters: ["pointer"], result: "i32" },
      // long SSL_get_verify_result(const SSL *ssl)
      SSL_get_verify_result: { parameters: ["pointer"], result: "i64" },
      // int SSL_read(SSL *ssl, void *buf, int num); int SSL_write(SSL *ssl, const void *buf, int num)
      SSL_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
      SSL_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
      // int SSL_has_pending(const SSL *s)
      SSL_has_pending: { parameters: ["pointer"], result: "i32" },
      // int SSL_get_error(const SSL *ssl, int ret)
      SSL_get_error: { parameters: ["pointer", "i32"], result: "i32" },
      // int SSL_shutdown(SSL *ssl)
      SSL_shutdown: { parameters: ["pointer"], result: "i32" },
      // int SSL_is_init_finished(const SSL *ssl)
      SSL_is_init_finished: { parameters: ["pointer"], result: "i32" },
    }).symbols;
  } catch (cause) {
    throw new UsageError("Cannot load libssl.so.3 (OpenSSL 3). As root run: apt-get install -y libssl3", { cause });
  }
}

function loadCrypto() {
  return Deno.dlopen("libcrypto.so.3", {
    // void ERR_clear_error(void); unsigned long ERR_get_error(void)
    ERR_clear_error: { parameters: [], result: "void" },
    ERR_get_error: { parameters: [], result: "u64" },
    // const char *ERR_reason_error_string(unsigned long e)
    ERR_reason_error_string: { parameters: ["u64"], result: "pointer" },
    // const char *X509_verify_cert_error_string(long n)
    X509_verify_cert_error_string: { parameters: ["i64"], result: "pointer" },
    // void X509_free(X509 *a); X509_NAME *X509_get_subject_name(const X509 *x)
    X509_free: { parameters: ["pointer"], result: "void" },
    X509_get_subject_name: { parameters: ["pointer"], result: "pointer" },
    // int X509_NAME_print_ex(BIO *out, const X509_NAME *nm, int indent, unsigned long flags)
    X509_NAME_print_ex: { parameters: ["pointer", "pointer", "i32", "u64"], result: "i32" },
    // int X509_digest(const X509 *data, const EVP_MD *type, unsigned char *md, unsigned int *len)
    X509_digest: { parameters: ["pointer", "pointer", "buffer", "pointer"], result: "i32" },
    // const BIO_METHOD *BIO_s_mem(void); BIO *BIO_new(const BIO_METHOD *type); int BIO_free(BIO *a)
    BIO_s_mem: { parameters: [], result: "pointer" },
    BIO_new: { parameters: ["pointer"], result: "pointer" },
    BIO_free: { parameters: ["pointer"], result: "i32" },
    // int BIO_read(BIO *b, void *data, int dlen)
    BIO_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
    // int X509_VERIFY_PARAM_set1_ip_asc(X509_VERIFY_PARAM *param, const char *ipasc)
    X509_VERIFY_PARAM_set1_ip_asc: { parameters: ["pointer", "buffer"], result: "i32" },
    // int RAND_bytes(unsigned char *buf, int num)
    RAND_bytes: { parameters: ["pointer", "i32"], result: "i32" },
    // const EVP_MD *EVP_sha256(void)
    EVP_sha256: { parameters: [], result: "pointer" },
    // EVP_CIPHER *EVP_CIPHER_fetch(OSSL_LIB_CTX *ctx, const char *algorithm, const char *properties); EVP_MD *EVP_MD_fetch(...)
    EVP_CIPHER_fetch: { parameters: ["pointer", "buffer", "pointer"], result: "pointer" },
    EVP_MD_fetch: { parameters: ["pointer", "buffer", "pointer"], result: "pointer" },
    // int EVP_EncryptInit_ex(EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *key, const unsigned char *iv)
    EVP_EncryptInit_ex: { parameters: ["pointer", "pointer", "pointer", "buffer", "pointer"], result: "i32" },
    EVP_DecryptInit_ex: { parameters: ["pointer", "pointer", "pointer", "buffer", "pointer"], result: "i32" },
    // int HMAC_Init_ex(HMAC_CTX *ctx, const void *key, int key_len, const EVP_MD *md, ENGINE *impl)
    HMAC_Init_ex: { parameters: ["pointer", "buffer", "i32", "pointer", "pointer"], result: "i32" },
  }).symbols;
}

export let ssl: ReturnType<typeof loadSsl>;
export let crypto: ReturnType<typeof loadCrypto>;

/** To be called before anything else of OpenSSL. Throws UsageError where it is missing. */
export function loadOpenSsl(): void {
  ssl ??= loadSsl();
  crypto ??= loadCrypto();
}

/** Of a code that is an errno: err.h. */
const ERR_SYSTEM_FLAG = 0x80000000n;

let mayHoldErrors = true;

/** To be said when a call failed otherwise than by waiting: it may have queued errors. */
export function queuedErrors(): void {
  mayHoldErrors = true;
}

/** Empties the error queue; to be called before each call whose error is asked for. One comparison while nothing fails. */
export function clearErrors(): void {
  if (!mayHoldErrors) return;
  crypto.ERR_clear_error();
  mayHoldErrors = false;
}

/** The first error that OpenSSL queued, in words; "" when it queued none. Others may follow it. */
export function firstError(): string {
  queuedErrors();
  const code = crypto.ERR_get_error();
  // The system's own have no text there.
  if ((code & ERR_SYSTEM_FLAG) !== 0n) return strerror(Number(code & ~ERR_SYSTEM_FLAG));
  const text = crypto.ERR_reason_error_string(code);
  return text === null ? "" : new Deno.UnsafePointerView(text).getCString();
}

/** Why a session's peer could not be verified, in words; "" when it was, or showed no certificate. */
export function verificationError(object: Deno.PointerValue): string {
  const code = ssl.SSL_get_verify_result(object);
  return code === 0n ? "" : new Deno.UnsafePointerView(crypto.X509_verify_cert_error_string(code)!).getCString();
}

export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
