/** A connection decrypted by OpenSSL. The handshake of a client happens within its first reads. */
import { bytesAcknowledged, close, connectError, resetOnClose } from "../../ffi/socket.ts";
import type { TlsSession } from "../../ffi/tls_session.ts";
import { FAILED, type Stream, WOULD_BLOCK } from "../proxy/stream.ts";

export class TlsStream implements Stream {
  #session: TlsSession;
  /** A handshake that this side began is on its way. */
  #isConnecting = false;

  /** @param onFailedHandshake hears why */
  constructor(readonly fd: number, session: TlsSession, readonly onFailedHandshake: (why: string) => void) {
    this.#session = session;
  }

  connect(): number {
    if (connectError(this.fd) !== 0) return FAILED;
    const result = this.#session.handshake();
    this.#isConnecting = result === WOULD_BLOCK;
    if (result === FAILED) this.onFailedHandshake(this.#session.failure);
    return result;
  }

  stopConnecting(): void {
    if (this.#isConnecting) this.onFailedHandshake("it took too long");
  }

  read(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    const count = this.#session.read(buffer, length);
    if (count === FAILED && !this.#session.isEstablished) this.onFailedHandshake(this.#session.failure);
    return count;
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

  resetOnClose(): void {
    resetOnClose(this.fd);
  }

  close(): void {
    this.#session.free();
    close(this.fd);
  }
}
