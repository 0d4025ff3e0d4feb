/**
 * Where a session writes while the system takes nothing: a memory BIO in place of the socket's. OpenSSL is left with no record half
 * written; with one, it fails a read that brings a KeyUpdate, which it has to answer (seen in 3.0: "bad length").
 *
 * - `BIO *SSL_get_wbio(const SSL *ssl)`, `void SSL_set0_wbio(SSL *s, BIO *wbio)`: SSL_set_bio(3ssl)
 * - `int BIO_up_ref(BIO *a)`: BIO_new(3ssl); `long BIO_ctrl(BIO *bp, int cmd, long larg, void *parg)`: BIO_ctrl(3ssl)
 */
import { crypto } from "./openssl.ts";
import { FAILED, send, WOULD_BLOCK } from "./socket.ts";

function load() {
  const tls = Deno.dlopen("libssl.so.3", {
    SSL_get_wbio: { parameters: ["pointer"], result: "pointer" },
    SSL_set0_wbio: { parameters: ["pointer", "pointer"], result: "void" },
  }).symbols;
  const bio = Deno.dlopen("libcrypto.so.3", {
    BIO_up_ref: { parameters: ["pointer"], result: "i32" },
    BIO_ctrl: { parameters: ["pointer", "i32", "i64", "pointer"], result: "i64" },
  }).symbols;
  return { ...tls, ...bio };
}

let lib: ReturnType<typeof load> | undefined;

const BIO_CTRL_PENDING = 10;
/** Moved at once, bytes: a record with its overhead. */
const PIECE_BYTES = 17_408;

/** The last {@linkcode send} gave everything to the system. */
export const SENT = 1;

export class TlsBacklog {
  readonly #session: Deno.PointerValue;
  readonly #socket: Deno.PointerValue;
  readonly #memory: Deno.PointerValue;
  /** Taken out of memory, and to be sent first. */
  #piece = new Uint8Array(0);

  /** From now on the session, an SSL object on a socket, writes into memory, and never waits to. Throws Error when memory is out. */
  constructor(session: Deno.PointerValue) {
    lib ??= load();
    const memory = crypto.BIO_new(crypto.BIO_s_mem());
    if (memory === null) throw new Error("BIO_new: no memory");
    this.#session = session;
    this.#memory = memory;
    this.#socket = lib.SSL_get_wbio(session);
    // The session lets go of it.
    lib.BIO_up_ref(this.#socket);
    lib.SSL_set0_wbio(session, memory);
  }

  /** Bytes that the system has not taken. */
  get length(): number {
    return this.#piece.length + Number(lib!.BIO_ctrl(this.#memory, BIO_CTRL_PENDING, 0n, null));
  }

  /** Sends what it can: {@linkcode SENT}, WOULD_BLOCK, FAILED. @param fd the socket */
  send(fd: number): typeof SENT | typeof WOULD_BLOCK | typeof FAILED {
    while (this.length > 0) {
      if (this.#piece.length === 0) {
        const piece = new Uint8Array(Math.min(this.length, PIECE_BYTES));
        this.#piece = piece.subarray(0, crypto.BIO_read(this.#memory, piece, piece.length));
      }
      const count = send(fd, this.#piece, this.#piece.length);
      if (count < 0) return count === FAILED ? FAILED : WOULD_BLOCK;
      this.#piece = this.#piece.subarray(count);
    }
    return SENT;
  }

  /** Lets the session write to its socket again; whatever is left is lost. To be called once, before the session is freed. */
  end(): void {
    lib!.SSL_set0_wbio(this.#session, this.#socket);
  }
}
