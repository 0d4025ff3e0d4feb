/** A TLS connection on a descriptor, as server or as client: SSL_new(3ssl), SSL_read(3ssl), SSL_write(3ssl). */
import { clearErrors, firstError, queuedErrors, ssl, verificationError } from "./openssl.ts";
import { FAILED, finishSending, WOULD_BLOCK } from "./socket.ts";
import { duringCallOf, type HandshakeOwner } from "./tls_callbacks.ts";
import { SENT, TlsBacklog } from "./tls_backlog.ts";
import { type PeerCertificate, peerCertificate } from "./tls_peer_certificate.ts";
import { stepOnThread, whyStepFailed } from "./tls_suspension.ts";

const SSL_ERROR_SSL = 1;
const SSL_ERROR_WANT_READ = 2;
const SSL_ERROR_WANT_WRITE = 3;
const SSL_ERROR_WANT_X509_LOOKUP = 4;
const SSL_ERROR_ZERO_RETURN = 6;
/**
 * OpenSSL takes up to 16 KiB and a record's overhead from the system at once. After less than half of that, all of it taken, none is
 * left there. A record costs at most so many bytes beyond its content.
 */
const SURELY_DRAINED = 8_192;
const RECORD_OVERHEAD = 64;
/** Two records that wait and the answers to many key updates, bytes: who asks for more and reads none of them is cut off. */
const MAX_BACKLOG = 65_536;

/** What sessions are made from, and which side of them this is. */
export interface TlsSide {
  /** An SSL_CTX. */
  readonly pointer: Deno.PointerValue;
  /** Prepares a new SSL object. */
  begin(object: Deno.PointerValue): void;
  /** Prepares one for its end that was established and has not failed. */
  end(object: Deno.PointerValue): void;
}

const H2_LENGTH = 2;
/** Where OpenSSL puts a pointer to the protocol's name, and its length. */
const alpnName = new Uint8Array(8);
const alpnLength = new Uint8Array(4);

/** Sessions not yet freed, for tests. */
export let liveTlsSessions = 0;

export class TlsSession {
  #ssl: Deno.PointerValue;
  readonly #side: TlsSide;
  readonly #fd: number;
  readonly #owner: HandshakeOwner;
  #isEstablished = false;
  /** A session that failed must not be shut down: SSL_shutdown(3ssl). */
  #hasFailed = false;
  /** Bytes taken from the system since it had none, at most. */
  #taken = 0;
  #isOnThread = false;
  /** Of SSL_get_error, for the last call that gave no bytes. */
  #error = 0;
  /** What was written and the system did not take; null while it takes everything. */
  #backlog: TlsBacklog | null = null;
  /** What is in the backlog is close_notify. */
  #isFinishing = false;
  /** Bytes of the last write that are in the backlog. */
  #written = 0;

  /** The descriptor remains the caller's. Throws Error when memory is out. */
  constructor(side: TlsSide, fd: number, owner: HandshakeOwner) {
    const object = ssl.SSL_new(side.pointer);
    if (object === null) throw new Error(`SSL_new: ${firstError()}`);
    this.#ssl = object;
    this.#side = side;
    this.#fd = fd;
    this.#owner = owner;
    liveTlsSessions++;
    ssl.SSL_set_fd(object, fd);
    side.begin(object);
  }

  /** HTTP/2 was chosen by ALPN; to be asked once the handshake is over. */
  get isHttp2(): boolean {
    ssl.SSL_get0_alpn_selected(this.#ssl, alpnName, alpnLength);
    // Of the two names that are ever chosen (tls_callbacks.ts) the other is longer.
    return alpnLength[0] === H2_LENGTH;
  }

  /** The handshake is over. */
  get isEstablished(): boolean {
    return this.#isEstablished;
  }

  /** Goes on with the handshake, where that is not left to the first read: 1 once it is over, WOULD_BLOCK, FAILED. */
  handshake(): number {
    clearErrors();
    duringCallOf(this.#owner);
    const result = ssl.SSL_do_handshake(this.#ssl);
    if (result !== 1) return this.#outcome(result) === WOULD_BLOCK ? WOULD_BLOCK : FAILED;
    // Verification tries one way after another: those that failed may have left errors.
    queuedErrors();
    // What it took beyond its end is not known.
    this.#taken = SURELY_DRAINED;
    this.#isEstablished = true;
    return result;
  }

  /** After a read: true when it left no bytes behind, neither here nor in the system. */
  hasDrained(): boolean {
    if (this.#taken >= SURELY_DRAINED || ssl.SSL_has_pending(this.#ssl) !== 0) return false;
    this.#taken = 0;
    return true;
  }

  /** At most `length` decrypted bytes put at the start of `buffer`, after the handshake; 0 at the peer's end, WOULD_BLOCK, FAILED. */
  read(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    clearErrors();
    duringCallOf(this.#owner);
    const count = ssl.SSL_read(this.#ssl, buffer, length);
    if (this.#backlog !== null && this.#backlog.length > MAX_BACKLOG) {
      this.#hasFailed = true;
      return FAILED;
    }
    if (count <= 0) {
      this.#taken = 0;
      return this.#outcome(count);
    }
    // What the handshake took is not known.
    this.#taken += this.#isEstablished ? count + RECORD_OVERHEAD : SURELY_DRAINED;
    this.#isEstablished = true;
    return count;
  }

  /** Bytes taken of the first `length`: a record's worth at a time. After WOULD_BLOCK the same bytes must come first again. */
  write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    if (this.#backlog !== null) return this.#sendBacklog(this.#backlog);
    const count = this.#write(bytes, length);
    if (count !== WOULD_BLOCK || this.#error !== SSL_ERROR_WANT_WRITE) return count;
    this.#backlog = new TlsBacklog(this.#ssl);
    this.#written = this.#write(bytes, length);
    return this.#written > 0 ? WOULD_BLOCK : FAILED;
  }

  #write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    clearErrors();
    duringCallOf(this.#owner);
    const count = ssl.SSL_write(this.#ssl, bytes, length);
    if (count > 0) return count;
    return this.#outcome(count) === WOULD_BLOCK ? WOULD_BLOCK : FAILED;
  }

  /** The bytes of the write that waited are taken once their record is. */
  #sendBacklog(backlog: TlsBacklog): number {
    const result = backlog.send(this.#fd);
    if (result !== SENT) return result;
    backlog.end();
    this.#backlog = null;
    return this.#written;
  }

  #outcome(result: number): number {
    this.#error = ssl.SSL_get_error(this.#ssl, result);
    if (!this.#isEstablished) this.#isEstablished = ssl.SSL_is_init_finished(this.#ssl) === 1;
    switch (this.#error) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
      case SSL_ERROR_WANT_X509_LOOKUP:
        return WOULD_BLOCK;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        queuedErrors();
        this.#hasFailed = true;
        return FAILED;
    }
  }

  /** After the handshake: who the peer is; undefined when it showed no certificate. */
  peerCertificate(): PeerCertificate | undefined {
    return peerCertificate(this.#ssl);
  }

  /** The last call can go on only when the system takes bytes, whatever it was. */
  get waitsToWrite(): boolean {
    return this.#error === SSL_ERROR_WANT_WRITE;
  }

  /** The handshake needs a key that is slow to use: {@linkcode stepOnThread} takes it on. */
  get isSuspended(): boolean {
    return this.#error === SSL_ERROR_WANT_X509_LOOKUP;
  }

  /**
   * Takes the suspended handshake up to where it waits for the client, on a thread: until this resolves nothing else of the session may
   * be called. False when the handshake failed, which {@linkcode whyStepFailed} explains.
   */
  async stepOnThread(): Promise<boolean> {
    this.#isOnThread = true;
    const outcome = await stepOnThread(this.#ssl, (result) => {
      // The other thread's errors are in a queue of its own: what is in this one would be taken for them.
      clearErrors();
      return this.#outcome(result);
    });
    this.#isOnThread = false;
    return outcome === WOULD_BLOCK;
  }

  get whyStepFailed(): string {
    return whyStepFailed(this.#ssl);
  }

  /** After FAILED: what OpenSSL says of it, as "no shared cipher"; to be asked at once. */
  get failure(): string {
    if (this.#error !== SSL_ERROR_SSL) return "connection broken";
    const why = verificationError(this.#ssl);
    return why === "" ? firstError() : `${firstError()}: ${why}`;
  }

  /**
   * Sends close_notify and ends the sending side; never blocks, and does not wait for the peer's. Where the system takes nothing it
   * {@linkcode finishesLater}, and is to be called again. To be called once all that was written is taken.
   */
  finish(): void {
    if (this.#backlog === null && !this.#hasFailed && ssl.SSL_is_init_finished(this.#ssl) === 1) this.#sayGoodbye();
    if (this.#backlog !== null) {
      if (this.#backlog.send(this.#fd) === WOULD_BLOCK) return;
      this.#backlog.end();
      this.#backlog = null;
    }
    finishSending(this.#fd);
  }

  #sayGoodbye(): void {
    clearErrors();
    const result = ssl.SSL_shutdown(this.#ssl);
    if (result < 0 && ssl.SSL_get_error(this.#ssl, result) === SSL_ERROR_WANT_WRITE) {
      this.#backlog = new TlsBacklog(this.#ssl);
      this.#written = 0;
      ssl.SSL_shutdown(this.#ssl);
      this.#isFinishing = true;
    }
    queuedErrors();
  }

  /** {@linkcode finish} waits for the system to take bytes. */
  get finishesLater(): boolean {
    return this.#isFinishing && this.#backlog !== null;
  }

  /** Frees the SSL object; a second call does nothing. */
  free(): void {
    if (this.#ssl === null) return;
    if (this.#isOnThread) throw new Error("A session that a thread uses cannot be freed");
    this.#backlog?.end();
    this.#backlog = null;
    if (this.#isEstablished && !this.#hasFailed) this.#side.end(this.#ssl);
    ssl.SSL_free(this.#ssl);
    this.#ssl = null;
    liveTlsSessions--;
  }
}
