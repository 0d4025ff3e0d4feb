/**
 * TLS by OpenSSL 3 on a descriptor. Loaded when the first context is made. One thread uses a session; its error queue is
 * cleared before each call whose error is asked for (SSL_get_error(3ssl)).
 */
import { UsageError } from "../core/errors.ts";
import { FAILED, finishSending, WOULD_BLOCK } from "./socket.ts";

function load() {
  try {
    return Deno.dlopen("libssl.so.3", {
      // const SSL_METHOD *TLS_server_method(void)
      TLS_server_method: { parameters: [], result: "pointer" },
      // SSL_CTX *SSL_CTX_new(const SSL_METHOD *method); void SSL_CTX_free(SSL_CTX *ctx)
      SSL_CTX_new: { parameters: ["pointer"], result: "pointer" },
      SSL_CTX_free: { parameters: ["pointer"], result: "void" },
      // long SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long larg, void *parg)
      SSL_CTX_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
      // uint64_t SSL_CTX_set_options(SSL_CTX *ctx, uint64_t options)
      SSL_CTX_set_options: { parameters: ["pointer", "u64"], result: "u64" },
      // int SSL_CTX_use_certificate_chain_file(SSL_CTX *ctx, const char *file)
      SSL_CTX_use_certificate_chain_file: { parameters: ["pointer", "buffer"], result: "i32" },
      // int SSL_CTX_use_PrivateKey_file(SSL_CTX *ctx, const char *file, int type)
      SSL_CTX_use_PrivateKey_file: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
      // int SSL_CTX_check_private_key(const SSL_CTX *ctx)
      SSL_CTX_check_private_key: { parameters: ["pointer"], result: "i32" },
      // int SSL_CTX_set_session_id_context(SSL_CTX *ctx, const unsigned char *sid_ctx, unsigned int sid_ctx_len)
      SSL_CTX_set_session_id_context: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
      // SSL *SSL_new(SSL_CTX *ctx); void SSL_free(SSL *ssl)
      SSL_new: { parameters: ["pointer"], result: "pointer" },
      SSL_free: { parameters: ["pointer"], result: "void" },
      // int SSL_set_fd(SSL *ssl, int fd)
      SSL_set_fd: { parameters: ["pointer", "i32"], result: "i32" },
      // void SSL_set_accept_state(SSL *ssl)
      SSL_set_accept_state: { parameters: ["pointer"], result: "void" },
      // int SSL_read(SSL *ssl, void *buf, int num); int SSL_write(SSL *ssl, const void *buf, int num)
      SSL_read: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
      SSL_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
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
  }).symbols;
}

let ssl: ReturnType<typeof load>;
let crypto: ReturnType<typeof loadCrypto>;

const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_READ_AHEAD = 41;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const TLS1_2_VERSION = 0x0303;
/** A write may end early; its rest may lie elsewhere; an idle session holds no buffers. */
const MODES = 0x1 | 0x2 | 0x10;
const SSL_OP_NO_RENEGOTIATION = 1n << 30n;
const SSL_OP_CIPHER_SERVER_PREFERENCE = 1n << 22n;
const SSL_FILETYPE_PEM = 1;
const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_ZERO_RETURN = 6;

/** Sessions not yet freed, for tests. */
export let liveTlsSessions = 0;

/** A server's certificate and settings. Freed with {@linkcode TlsContext.close}, once no session is made from it any more. */
export class TlsContext {
  #context: Deno.PointerValue;

  /** PEM files: the chain with the server's certificate first, and its key. Throws UsageError naming the file. */
  constructor(certificateFile: string, keyFile: string) {
    ssl ??= load();
    crypto ??= loadCrypto();
    crypto.ERR_clear_error();
    this.#context = ssl.SSL_CTX_new(ssl.TLS_server_method());
    if (this.#context === null) throw new Error(`SSL_CTX_new: ${reason()}`);
    try {
      ssl.SSL_CTX_ctrl(this.#context, SSL_CTRL_SET_MIN_PROTO_VERSION, BigInt(TLS1_2_VERSION), null);
      ssl.SSL_CTX_ctrl(this.#context, SSL_CTRL_MODE, BigInt(MODES), null);
      // One recv a record instead of two.
      ssl.SSL_CTX_ctrl(this.#context, SSL_CTRL_SET_READ_AHEAD, 1n, null);
      ssl.SSL_CTX_set_options(this.#context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
      ssl.SSL_CTX_set_session_id_context(this.#context, cString("dlba"), 4);
      this.#use(certificateFile, keyFile);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #use(certificateFile: string, keyFile: string): void {
    if (ssl.SSL_CTX_use_certificate_chain_file(this.#context, cString(certificateFile)) !== 1) {
      throw new UsageError(`Cannot use the certificate ${certificateFile}: ${reason()}`);
    }
    if (ssl.SSL_CTX_use_PrivateKey_file(this.#context, cString(keyFile), SSL_FILETYPE_PEM) !== 1) {
      throw new UsageError(`Cannot use the key ${keyFile} with the certificate ${certificateFile}: ${reason()}`);
    }
    if (ssl.SSL_CTX_check_private_key(this.#context) !== 1) {
      throw new UsageError(`The key ${keyFile} is not that of the certificate ${certificateFile}`);
    }
  }

  /** The server's side of a connection. The descriptor remains the caller's. Throws Error when memory is out. */
  session(fd: number): TlsSession {
    return new TlsSession(ssl.SSL_new(this.#context), fd);
  }

  /** A second call does nothing. Sessions made from it hold what they need of it. */
  close(): void {
    if (this.#context === null) return;
    ssl.SSL_CTX_free(this.#context);
    this.#context = null;
  }
}

export class TlsSession {
  #ssl: Deno.PointerValue;
  readonly #fd: number;
  /** A session that failed must not be shut down: SSL_shutdown(3ssl). */
  #hasFailed = false;

  /** Takes over the SSL object. To be made by {@linkcode TlsContext.session}. */
  constructor(object: Deno.PointerValue, fd: number) {
    if (object === null) throw new Error(`SSL_new: ${reason()}`);
    this.#ssl = object;
    this.#fd = fd;
    liveTlsSessions++;
    ssl.SSL_set_fd(object, fd);
    ssl.SSL_set_accept_state(object);
  }

  /** At most `length` decrypted bytes put at the start of `buffer`, after the handshake; 0 at the peer's end, WOULD_BLOCK, FAILED. */
  read(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    crypto.ERR_clear_error();
    const count = ssl.SSL_read(this.#ssl, buffer, length);
    return count > 0 ? count : this.#outcome(count);
  }

  /** Bytes taken of the first `length`: a record's worth at a time. After WOULD_BLOCK the same bytes must come first again. */
  write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    crypto.ERR_clear_error();
    const count = ssl.SSL_write(this.#ssl, bytes, length);
    return count > 0 ? count : this.#outcome(count) === WOULD_BLOCK ? WOULD_BLOCK : FAILED;
  }

  #outcome(result: number): number {
    switch (ssl.SSL_get_error(this.#ssl, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return WOULD_BLOCK;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        this.#hasFailed = true;
        return FAILED;
    }
  }

  /** Sends close_notify and ends the sending side; never blocks, and does not wait for the peer's. */
  finish(): void {
    if (!this.#hasFailed && ssl.SSL_is_init_finished(this.#ssl) === 1) {
      crypto.ERR_clear_error();
      ssl.SSL_shutdown(this.#ssl);
    }
    finishSending(this.#fd);
  }

  /** Frees the SSL object; a second call does nothing. */
  free(): void {
    if (this.#ssl === null) return;
    ssl.SSL_free(this.#ssl);
    this.#ssl = null;
    liveTlsSessions--;
  }
}

/** The first error that OpenSSL queued, in words. */
function reason(): string {
  const text = crypto.ERR_reason_error_string(crypto.ERR_get_error());
  return text === null ? "unknown reason" : new Deno.UnsafePointerView(text).getCString();
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
