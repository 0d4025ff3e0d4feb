/** TLS of a server: certificates by name, tickets of the array, and what became of handshakes. */
import type { HandshakeOwner, SigningContext, TicketKeys } from "../../ffi/tls_callbacks.ts";
import type { ClientOffer } from "../../ffi/tls_offer.ts";
import { TlsSession } from "../../ffi/tls_session.ts";
import type { CertificateStore } from "./certificate_store.ts";
import { FailureLog } from "./failure_log.ts";
import { HardwareTlsStream } from "./hardware_stream.ts";
import { type Identified, IdentifiedStream } from "./identified_stream.ts";
import { SigningQueue } from "./signing_queue.ts";
import { TlsStream } from "./tls_stream.ts";

/** Failed handshakes that are logged in a second. */
const LOGGED = 5;
const SECOND_MS = 1_000;

export class TlsServer implements HandshakeOwner {
  #failures: FailureLog;

  constructor(
    readonly store: CertificateStore,
    readonly tickets: TicketKeys | undefined,
    readonly log: (line: string) => void,
    /** For the device of its keys, where they are in one. */
    readonly signing = new SigningQueue(),
    public offersHttp2 = false,
  ) {
    this.#failures = new FailureLog(log, "TLS handshakes", LOGGED, SECOND_MS);
  }

  contextFor(serverName: string) {
    return this.store.contextFor(serverName)?.pointer;
  }

  signingContextFor(serverName: string, offer: () => ClientOffer): SigningContext | undefined {
    return this.store.signingContextFor(serverName, offer);
  }

  /** The connection of a descriptor that was accepted from `peer`; `client` hears who it is, where clients are asked. */
  accept(fd: number, peer: string, client?: Identified): TlsStream {
    const session = new TlsSession(this.store.fallback, fd, this);
    const onFailed = (why: string) => this.#failures.add(`TLS handshake of ${peer} failed: ${why}`);
    const asked = this.store.options.clients === undefined ? undefined : client;
    const stream = this.#streamOf(fd, session, onFailed, asked);
    stream.expectHandshake();
    return stream;
  }

  #streamOf(fd: number, session: TlsSession, onFailed: (why: string) => void, asked?: Identified): TlsStream {
    if (this.store.hasHardwareKeys) return new HardwareTlsStream(fd, session, onFailed, this.signing, asked);
    return asked ? new IdentifiedStream(fd, session, onFailed, asked) : new TlsStream(fd, session, onFailed);
  }
}
