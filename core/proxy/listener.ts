/** A listening socket of a server, and the connections that it accepts. */
import { accept, acceptedFrom, acceptedFromPort, acceptWithoutDelay, close as closeFd } from "../../ffi/socket.ts";
import { HardwareTlsStream } from "../tls/hardware_stream.ts";
import type { TlsServer } from "../tls/tls_server.ts";
import { TlsStream } from "../tls/tls_stream.ts";
import { ClientConnection } from "./client_connection.ts";
import type { ClientContext } from "./client_context.ts";
import { ClientIdentity } from "./client_identity.ts";
import type { Endpoint } from "./proxy_header.ts";
import { ProxyHeaderWait } from "./proxy_header_wait.ts";
import { PlainStream } from "./stream.ts";
import { Timed } from "./timer_wheel.ts";

/** When no descriptor is left, accepting is tried again after so long, ms. */
const ACCEPT_RETRY_MS = 100;
/** Accepted in a turn, lest a flood of connections keep those that are there waiting. */
const ACCEPTS_A_TURN = 64;
const EAGAIN = 11;
const ECONNABORTED = 103;

export class Listener extends Timed {
  #isOpen = true;
  /** What the clients connect to. */
  readonly #here: Endpoint;
  /** Connections whose PROXY header is still to come. */
  #waiting = new Set<ProxyHeaderWait>();

  /** @param takesProxyHeader each connection begins by one (the PROXY protocol), and comes from who is trusted */
  constructor(
    readonly context: ClientContext,
    readonly address: string,
    readonly port: number,
    readonly fd: number,
    readonly tls: TlsServer | undefined,
    public takesProxyHeader: boolean,
  ) {
    super();
    this.#here = { address, port };
    // Once for all of its connections, instead of a call for each.
    acceptWithoutDelay(fd);
  }

  onEvent(): void {
    const { clients, mostClients, loop } = this.context;
    for (let accepted = 0; accepted < ACCEPTS_A_TURN; accepted++) {
      if (clients.size + this.#waiting.size >= mostClients) return loop.setDeadline(this, ACCEPT_RETRY_MS);
      const fd = accept(this.fd);
      if (fd >= 0) this.#welcome(fd, { address: acceptedFrom(), port: acceptedFromPort() });
      else if (-fd === EAGAIN) return;
      else if (-fd !== ECONNABORTED) {
        // No descriptor or memory is left. Edge-triggered: nobody says again that connections wait.
        this.context.loop.setDeadline(this, ACCEPT_RETRY_MS);
        return;
      }
    }
    this.context.loop.again(this);
  }

  onTurn(): void {
    if (this.#isOpen) this.onEvent();
  }

  #welcome(fd: number, peer: Endpoint): void {
    if (!this.takesProxyHeader) return this.#serve(fd, peer);
    const { loop, limits, identityRules } = this.context;
    if (!identityRules!.trusted.has(peer.address)) return closeFd(fd);
    const wait = new ProxyHeaderWait(loop, fd, limits.head_timeout, (source) => {
      this.#waiting.delete(wait);
      if (source !== null) this.#serve(fd, source ?? peer);
    });
    this.#waiting.add(wait);
    wait.begin();
  }

  #serve(fd: number, peer: Endpoint): void {
    const { asksForCertificates, identityRules } = this.context;
    const identity = new ClientIdentity(peer, this.#here, this.tls !== undefined, asksForCertificates, identityRules);
    const stream = this.tls ? this.tls.accept(fd, peer.address, identity) : new PlainStream(fd);
    const connection = new ClientConnection(this.context, stream, identity);
    if (stream instanceof TlsStream) stream.onEstablished = () => connection.established();
    if (stream instanceof HardwareTlsStream) stream.wake = () => connection.wake();
  }

  override onTimeout(): void {
    this.onEvent();
  }

  override onDefect(error: unknown): void {
    console.error("serve: a connection could not be accepted:", error);
  }

  /** A second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.context.loop.clearDeadline(this);
    this.context.loop.unwatch(this.fd);
    closeFd(this.fd);
    for (const wait of [...this.#waiting]) wait.giveUp();
  }
}
