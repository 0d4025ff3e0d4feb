/** A connection to a back end while it is made: PROXY header, TLS handshake, and the time for both. */
import { EPOLLIN } from "../../ffi/epoll.ts";
import { connectError, send } from "../../ffi/socket.ts";
import type { BackEnd } from "./back_end.ts";
import type { ClientIdentity } from "./client_identity.ts";
import { Connection } from "./connection.ts";
import type { EventLoop } from "./loop.ts";
import type { Pool } from "./pool.ts";
import { writeProxyHeader } from "./proxy_header.ts";
import { CONNECTED, FAILED, PlainStream } from "./stream.ts";

export abstract class OutgoingConnection extends Connection {
  #isConnecting = true;
  /** To be sent before anything else, TLS included. */
  #proxyHeader: Uint8Array<ArrayBuffer> | null = null;
  /** True once it carried a whole exchange: its back end may have closed it meanwhile. */
  isReused = false;

  /** @param fd connects already */
  constructor(loop: EventLoop, fd: number, readonly backEnd: BackEnd, public pool: Pool, identity: ClientIdentity) {
    super(loop, backEnd.tls?.stream(fd) ?? new PlainStream(fd));
    const { connect_timeout, proxy_protocol } = pool.config;
    if (proxy_protocol !== undefined) {
      this.#proxyHeader = writeProxyHeader(proxy_protocol, identity.from, identity.to);
    }
    loop.setDeadline(this, connect_timeout);
  }

  /** The connection stands, its handshake included. */
  protected abstract connected(): void;

  /** It cannot be made, and is closed. */
  protected abstract connectFailed(): void;

  get isConnecting(): boolean {
    return this.#isConnecting;
  }

  override onEvent(mask: number): void {
    if (this.#isConnecting) {
      if (!this.#goOnConnecting()) return;
      // A handshake may have taken bytes from the system that follow it.
      if (!this.stream.hasDrained()) mask |= EPOLLIN;
    }
    super.onEvent(mask);
  }

  /** True once it is connected, and its handshake over where there is one. */
  #goOnConnecting(): boolean {
    const result = this.#proxyHeader !== null && !this.#sendProxyHeader(this.#proxyHeader)
      ? FAILED
      : this.stream.connect();
    if (result === FAILED) this.#fail();
    if (result !== CONNECTED) return false;
    this.#isConnecting = false;
    this.connected();
    return this.isOpen;
  }

  /** A socket that is just connected takes a header whole. */
  #sendProxyHeader(header: Uint8Array<ArrayBuffer>): boolean {
    this.#proxyHeader = null;
    return connectError(this.stream.fd) === 0 && send(this.stream.fd, header, header.length) === header.length;
  }

  protected giveUpConnecting(why: string): void {
    this.stream.giveUpHandshake(why);
    this.#fail();
  }

  #fail(): void {
    this.close();
    this.connectFailed();
  }
}
