/**
 * What a TLS client needs of OpenSSL 3: SSL_new(3ssl), SSL_do_handshake(3ssl), SSL_set_session(3ssl),
 * SSL_CTX_sess_set_new_cb(3ssl). Loaded when a client first wants TLS.
 */
function load() {
  return Deno.dlopen("libssl.so.3", {
    // const SSL_METHOD *TLS_client_method(void); SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
    TLS_client_method: { parameters: [], result: "pointer" },
    SSL_CTX_new: { parameters: ["pointer"], result: "pointer" },
    // long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg)
    SSL_CTX_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
    // void SSL_CTX_sess_set_new_cb(SSL_CTX *ctx, int (*new_session_cb)(SSL *, SSL_SESSION *))
    SSL_CTX_sess_set_new_cb: { parameters: ["pointer", "function"], result: "void" },
    // SSL *SSL_new(SSL_CTX *ctx); void SSL_free(SSL *ssl)
    SSL_new: { parameters: ["pointer"], result: "pointer" },
    SSL_free: { parameters: ["pointer"], result: "void" },
    // int SSL_set_fd(SSL *ssl, int fd); void SSL_set_connect_state(SSL *ssl)
    SSL_set_fd: { parameters: ["pointer", "i32"], result: "i32" },
    SSL_set_connect_state: { parameters: ["pointer"], result: "void" },
    // int SSL_set_session(SSL *ssl, SSL_SESSION *session); int SSL_session_reused(const SSL *ssl)
    SSL_set_session: { parameters: ["pointer", "pointer"], result: "i32" },
    SSL_session_reused: { parameters: ["pointer"], result: "i32" },
    // SSL_SESSION *SSL_SESSION_dup(const SSL_SESSION *src); void SSL_SESSION_free(SSL_SESSION *session)
    SSL_SESSION_dup: { parameters: ["pointer"], result: "pointer" },
    SSL_SESSION_free: { parameters: ["pointer"], result: "void" },
    // int SSL_do_handshake(SSL *ssl); int SSL_shutdown(SSL *ssl); int SSL_get_error(const SSL *ssl, int ret)
    SSL_do_handshake: { parameters: ["pointer"], result: "i32" },
    SSL_shutdown: { parameters: ["pointer"], result: "i32" },
    SSL_get_error: { parameters: ["pointer", "i32"], result: "i32" },
    // int SSL_read(SSL *ssl, void *buf, int num); int SSL_write(SSL *ssl, const void *buf, int num)
    SSL_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
    SSL_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  }).symbols;
}

function loadCrypto() {
  return Deno.dlopen("libcrypto.so.3", {
    // void ERR_clear_error(void)
    ERR_clear_error: { parameters: [], result: "void" },
  }).symbols;
}

let ssl: ReturnType<typeof load> | undefined;
let crypto: ReturnType<typeof loadCrypto> | undefined;

export function libssl(): ReturnType<typeof load> {
  return ssl ??= load();
}

/** SSL_get_error(3ssl) asks for an empty queue before the call whose error is asked for. */
export function clearErrors(): void {
  (crypto ??= loadCrypto()).ERR_clear_error();
}
