/** TLS of a server: certificates by name, tickets of the array, and what became of handshakes. */
import type { HandshakeOwner, TicketKeys } from "../../ffi/tls_callbacks.ts";
import { TlsSession } from "../../ffi/tls_session.ts";
import type { CertificateStore } from "./certificate_store.ts";
import { TlsStream } from "./tls_stream.ts";

/** Failed handshakes that are logged, a second: a scanner must not fill the disk. */
const LOGGED_A_SECOND = 5;

export class TlsServer implements HandshakeOwner {
  #second = 0;
  #logged = 0;
  #unlogged = 0;

  constructor(
    readonly store: CertificateStore,
    readonly tickets: TicketKeys | undefined,
    readonly log: (line: string) => void,
  ) {}

  contextFor(serverName: string) {
    return this.store.contextFor(serverName)?.pointer;
  }

  /** The connection of a descriptor that was accepted from `peer`. */
  accept(fd: number, peer: string): TlsStream {
    const session = new TlsSession(this.store.fallback, fd, this);
    return new TlsStream(fd, session, (why) => this.#failed(peer, why));
  }

  #failed(peer: string, why: string): void {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      if (this.#unlogged > 0) this.log(`${this.#unlogged} more TLS handshakes failed`);
      this.#second = second;
      this.#logged = this.#unlogged = 0;
    }
    if (this.#logged++ < LOGGED_A_SECOND) this.log(`TLS handshake of ${peer} failed: ${why}`);
    else this.#unlogged++;
  }
}
