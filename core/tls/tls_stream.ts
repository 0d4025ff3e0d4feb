/** A client connection decrypted by OpenSSL. The handshake happens within the first reads. */
import type { TlsSession } from "../../ffi/openssl.ts";
import { close, resetOnClose } from "../../ffi/socket.ts";
import type { Stream } from "../proxy/stream.ts";

export class TlsStream implements Stream {
  /** A read gives one record at most, and OpenSSL may hold others. */
  readonly shortReadDrains = false;
  #session: TlsSession;

  constructor(readonly fd: number, session: TlsSession) {
    this.#session = session;
  }

  read(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    return this.#session.read(buffer, length);
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    return this.#session.write(bytes, length);
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
