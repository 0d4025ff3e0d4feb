/** A connection decrypted by OpenSSL. The handshake of a client happens within its first reads. */
import { bytesAcknowledged, close, connectError, resetOnClose } from "../../ffi/socket.ts";
import type { TlsSession } from "../../ffi/tls_session.ts";
import { CONNECTED, FAILED, type Stream, WOULD_BLOCK } from "../proxy/stream.ts";

export class TlsStream implements Stream {
  #session: TlsSession;
  /** A handshake is on its way. */
  #isShaking = false;
  /** Called within a read, once the handshake of a connection that was accepted is over. */
  onEstablished = () => {};

  /** Of a connection that we begin: a handshake that does not agree on it has failed. */
  needsHttp2 = false;

  /** @param onFailedHandshake hears why */
  constructor(readonly fd: number, session: TlsSession, readonly onFailedHandshake: (why: string) => void) {
    this.#session = session;
  }

  /** The peer begins it: the connection was accepted. */
  expectHandshake(): void {
    this.#isShaking = true;
  }

  get isHttp2(): boolean {
    return this.#session.isHttp2;
  }

  connect(): number {
    if (connectError(this.fd) !== 0) return FAILED;
    const result = this.#session.handshake();
    this.#isShaking = result === WOULD_BLOCK;
    if (result === FAILED) this.onFailedHandshake(this.#session.failure);
    else if (result === CONNECTED && this.needsHttp2 && !this.isHttp2) {
      this.onFailedHandshake("it does not speak HTTP/2 (ALPN)");
      return FAILED;
    }
    return result;
  }

  giveUpHandshake(why: string): void {
    if (this.#isShaking) this.onFailedHandshake(why);
  }

  read(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    const count = this.#session.read(buffer, length);
    if (this.#isShaking) this.#endHandshake(count);
    return count;
  }

  /** @param count of the read within which it may have ended */
  #endHandshake(count: number): void {
    if (this.#session.isEstablished) {
      this.#isShaking = false;
      this.onEstablished();
    } else if (count === FAILED) this.onFailedHandshake(this.#session.failure);
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    return this.#session.write(bytes, length);
  }

  hasDrained(): boolean {
    return this.#session.hasDrained();
  }

  get readWaitsToWrite(): boolean {
    return this.#session.waitsToWrite;
  }

  acknowledged(): number {
    return bytesAcknowledged(this.fd);
  }

  finish(): void {
    this.#session.finish();
  }

  get finishesLater(): boolean {
    return this.#session.finishesLater;
  }

  resetOnClose(): void {
    resetOnClose(this.fd);
  }

  close(): void {
    this.#session.free();
    close(this.fd);
  }
}
