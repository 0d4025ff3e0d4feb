/** A client's side of one TLS connection. It verifies no certificate, and offers what OpenSSL offers by default, as wrk(1) does. */
import { close, FAILED, finishSending, WOULD_BLOCK } from "../../../ffi/socket.ts";
import { type Client, connecting } from "./client.ts";
import { clearErrors, libssl } from "./libssl.ts";

const SSL_CTRL_MODE = 33;
const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
/** An idle connection of thousands holds no buffers. */
const SSL_MODE_RELEASE_BUFFERS = 0x10n;
/** Sessions go to the callback, and nowhere else. */
const CLIENT_WITHOUT_STORE = 0x1n | 0x300n;
const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_ZERO_RETURN = 6;

/** What connections share, and the tickets that came over them. One for a process: its callback is never closed. */
export class TlsClients {
  readonly #ssl = libssl();
  readonly #context: Deno.PointerValue;
  /** Tickets that came so far. */
  tickets = 0;
  #session: Deno.PointerValue = null;

  constructor() {
    this.#context = this.#ssl.SSL_CTX_new(this.#ssl.TLS_client_method());
    if (this.#context === null) throw new Error("SSL_CTX_new failed");
    this.#ssl.SSL_CTX_ctrl(this.#context, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, null);
    this.#ssl.SSL_CTX_ctrl(this.#context, SSL_CTRL_SET_SESS_CACHE_MODE, CLIENT_WITHOUT_STORE, null);
    this.#ssl.SSL_CTX_sess_set_new_cb(this.#context, this.#newSession.pointer);
  }

  /** int new_session_cb(SSL *ssl, SSL_SESSION *session): 1 keeps the reference that it is given. */
  #newSession = new Deno.UnsafeCallback(
    { parameters: ["pointer", "pointer"], result: "i32" },
    (_ssl, session) => {
      this.tickets++;
      if (this.#session !== null) return 0;
      this.#session = session;
      return 1;
    },
  );

  /** A session has been kept since the last {@linkcode forget}. */
  get hasSession(): boolean {
    return this.#session !== null;
  }

  /** The next session that comes is kept. */
  forget(): void {
    this.#ssl.SSL_SESSION_free(this.#session);
    this.#session = null;
  }

  /** @param isResuming offers the kept session */
  connect(port: number, isResuming = false): TlsClient {
    return new TlsClient(this.#context, port, isResuming ? this.#session : null);
  }
}

export class TlsClient implements Client {
  readonly fd: number;
  readonly #libssl = libssl();
  #ssl: Deno.PointerValue;

  constructor(context: Deno.PointerValue, port: number, session: Deno.PointerValue) {
    this.fd = connecting(port);
    this.#ssl = this.#libssl.SSL_new(context);
    if (this.#ssl === null) throw new Error("SSL_new failed");
    this.#libssl.SSL_set_fd(this.#ssl, this.fd);
    this.#libssl.SSL_set_connect_state(this.#ssl);
    if (session === null) return;
    // OpenSSL offers a session of TLS 1.3 once: a copy of it, then.
    const copy = this.#libssl.SSL_SESSION_dup(session);
    this.#libssl.SSL_set_session(this.#ssl, copy);
    this.#libssl.SSL_SESSION_free(copy);
  }

  open(): boolean {
    clearErrors();
    const result = this.#libssl.SSL_do_handshake(this.#ssl);
    if (result === 1) return true;
    if (this.#outcome(result) === WOULD_BLOCK) return false;
    throw new Error("A TLS handshake failed");
  }

  /** After the handshake: the server took the session that was offered. */
  get isResumed(): boolean {
    return this.#libssl.SSL_session_reused(this.#ssl) === 1;
  }

  send(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    clearErrors();
    const count = this.#libssl.SSL_write(this.#ssl, bytes, length);
    return count > 0 ? count : this.#outcome(count);
  }

  receive(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    clearErrors();
    const count = this.#libssl.SSL_read(this.#ssl, buffer, length);
    return count > 0 ? count : this.#outcome(count);
  }

  #outcome(result: number): number {
    switch (this.#libssl.SSL_get_error(this.#ssl, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return WOULD_BLOCK;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        return FAILED;
    }
  }

  /** Says that no more will come from here; what the server still sends can be received. */
  finish(): void {
    clearErrors();
    this.#libssl.SSL_shutdown(this.#ssl);
    finishSending(this.fd);
  }

  close(): void {
    this.#libssl.SSL_free(this.#ssl);
    this.#ssl = null;
    close(this.fd);
  }
}
