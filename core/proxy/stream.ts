/** A connection's bytes, in clear or decrypted. */
import {
  bytesAcknowledged,
  close,
  connectError,
  FAILED,
  finishSending,
  receive,
  resetOnClose,
  send,
  WOULD_BLOCK,
} from "../../ffi/socket.ts";

export { FAILED, WOULD_BLOCK };

/** Result of {@linkcode Stream.connect}. */
export const CONNECTED = 1;

export interface Stream {
  readonly fd: number;
  /** The client and we agreed on HTTP/2 in the handshake; to be asked once that is over. */
  readonly isHttp2: boolean;
  /** Goes on with connecting, where this side began it: {@linkcode CONNECTED}, {@linkcode WOULD_BLOCK}, {@linkcode FAILED}. */
  connect(): number;
  /** A handshake that is still on its way is given up; `why` is for the log. */
  giveUpHandshake(why: string): void;
  /** At most `length` bytes put at the start of `buffer`; 0 at the peer's end, {@linkcode WOULD_BLOCK}, {@linkcode FAILED}. */
  read(buffer: Uint8Array<ArrayBuffer>, length: number): number;
  /**
   * Bytes taken of the first `length`; {@linkcode WOULD_BLOCK}, {@linkcode FAILED}. After WOULD_BLOCK the next call must begin
   * with the same bytes.
   */
  write(bytes: Uint8Array<ArrayBuffer>, length: number): number;
  /** After a read of fewer bytes than asked for: true when none are left. */
  hasDrained(): boolean;
  /** The last read can go on only when the system takes bytes (a TLS handshake, a key update). */
  readonly readWaitsToWrite: boolean;
  /** Bytes that the peer's kernel has acknowledged since the connection began. */
  acknowledged(): number;
  /** Tells the peer that nothing more will come; to be called again when the system takes bytes while it {@linkcode finishesLater}. */
  finish(): void;
  readonly finishesLater: boolean;
  /** Makes {@linkcode close} a reset, which nobody takes for an orderly end. */
  resetOnClose(): void;
  /** Frees the descriptor; to be called once. */
  close(): void;
}

export class PlainStream implements Stream {
  readonly readWaitsToWrite = false;
  readonly finishesLater = false;
  readonly isHttp2 = false;

  constructor(readonly fd: number) {}

  connect(): number {
    return connectError(this.fd) === 0 ? CONNECTED : FAILED;
  }

  giveUpHandshake(): void {}

  hasDrained(): boolean {
    return true;
  }

  read(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    return receive(this.fd, buffer, length);
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    return send(this.fd, bytes, length);
  }

  acknowledged(): number {
    return bytesAcknowledged(this.fd);
  }

  finish(): void {
    finishSending(this.fd);
  }

  resetOnClose(): void {
    resetOnClose(this.fd);
  }

  close(): void {
    close(this.fd);
  }
}
