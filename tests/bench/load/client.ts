/** A client's side of one connection, without blocking. */
import { strerror } from "../../../ffi/errno.ts";
import { close, connectError, connectTo, receive, send, socketAddressBytes } from "../../../ffi/socket.ts";

/** Where clients connect to, on 127.0.0.1. */
export interface Target {
  readonly port: number;
  readonly isTls?: boolean;
}

export interface Client {
  readonly fd: number;
  /** To be called when the descriptor is ready: true once requests may be sent. Throws where that will never be. */
  open(): boolean;
  /** As of `ffi/socket.ts`. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number): number;
  /** As of `ffi/socket.ts`. */
  receive(buffer: Uint8Array<ArrayBuffer>, length: number): number;
  close(): void;
}

/** A descriptor that is connecting. Throws where that cannot begin. */
export function connecting(port: number): number {
  const fd = connectTo(socketAddressBytes("127.0.0.1", port));
  if (fd < 0) throw new Error(`Cannot connect to port ${port}: ${strerror(-fd)}`);
  return fd;
}

export class PlainClient implements Client {
  readonly fd: number;

  constructor(port: number) {
    this.fd = connecting(port);
  }

  open(): boolean {
    const failed = connectError(this.fd);
    if (failed) throw new Error(`Cannot connect: ${strerror(failed)}`);
    return true;
  }

  send(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    return send(this.fd, bytes, length);
  }

  receive(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    return receive(this.fd, buffer, length);
  }

  close(): void {
    close(this.fd);
  }
}
