/** So many TLS connections that do their handshake and end, full or resumed. */
import { Epoll } from "../../../ffi/epoll.ts";
import { WOULD_BLOCK } from "../../../ffi/socket.ts";
import { type TlsClient, TlsClients } from "./tls_client.ts";

export interface Handshakes {
  readonly port: number;
  /** At a time. */
  readonly connections: number;
  readonly handshakes: number;
  /** After one full handshake all others resume its session. */
  readonly isResuming: boolean;
}

export interface HandshakeCount {
  readonly resumed: number;
  /** That came after them. */
  readonly tickets: number;
}

/** Longest wait for the server to say anything, ms. */
const SILENCE_MS = 5_000;

/**
 * A connection is over only when the server ended it too, after our close_notify: by then it did all its work, tickets included.
 * Throws where a handshake fails.
 */
export function handshakes(clients: TlsClients, plan: Handshakes): HandshakeCount {
  const { isResuming } = plan;
  clients.forget();
  if (isResuming) {
    new Run(clients, { ...plan, isResuming: false, connections: 1, handshakes: 1 }).run();
    if (!clients.hasSession) throw new Error(`Port ${plan.port} gave no ticket`);
  }
  const before = clients.tickets;
  const resumed = new Run(clients, plan).run();
  return { resumed, tickets: clients.tickets - before };
}

class Run {
  #epoll = new Epoll();
  #opening = new Map<number, TlsClient>();
  #ending = new Map<number, TlsClient>();
  #buffer = new Uint8Array(16_384);
  #begun = 0;
  #ended = 0;
  #resumed = 0;

  constructor(readonly clients: TlsClients, readonly plan: Handshakes) {}

  /** Returns how many were resumed. */
  run(): number {
    const { connections, handshakes, port } = this.plan;
    try {
      while (this.#begun < Math.min(connections, handshakes)) this.#begin();
      while (this.#ended < handshakes) {
        const count = this.#epoll.wait(SILENCE_MS);
        if (count === 0) throw new Error(`Port ${port} said nothing for ${SILENCE_MS / 1000} s`);
        for (let i = 0; i < count; i++) this.#advance(this.#epoll.fd(i));
      }
      return this.#resumed;
    } finally {
      for (const client of [...this.#opening.values(), ...this.#ending.values()]) client.close();
      this.#epoll.close();
    }
  }

  #begin(): void {
    const client = this.clients.connect(this.plan.port, this.plan.isResuming);
    this.#opening.set(client.fd, client);
    this.#epoll.add(client.fd, 0);
    this.#begun++;
  }

  #advance(fd: number): void {
    const opening = this.#opening.get(fd);
    if (opening?.open()) {
      this.#opening.delete(fd);
      this.#ending.set(fd, opening);
      if (opening.isResumed) this.#resumed++;
      opening.finish();
    }
    const ending = this.#ending.get(fd);
    if (!ending || ending.receive(this.#buffer, this.#buffer.length) === WOULD_BLOCK) return;
    // A server may end by a reset, too.
    this.#ending.delete(fd);
    ending.close();
    this.#ended++;
    if (this.#begun < this.plan.handshakes) this.#begin();
  }
}
