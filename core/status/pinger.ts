/**
 * Pings machines (seed, "Scheduler Failover": "a simple ping test to the box to determine if the kernel is running properly"), all at once. What
 * answers is the kernel, whatever its processes do.
 */
import { type EchoReply, IcmpSocket } from "../../ffi/icmp_socket.ts";

const NONCE_BYTES = 8;
const SEQUENCES = 65_536;

export interface PingTarget {
  readonly id: number;
  readonly address: string;
}

/** What of an {@linkcode IcmpSocket} is needed. */
export interface EchoSocket {
  send(to: string, identifier: number, sequence: number, data: Uint8Array): boolean;
  receive(): EchoReply | undefined;
  close(): void;
}

interface Target extends PingTarget {
  /** Of the last echo that was sent, not modulo {@linkcode SEQUENCES}. */
  sent: number;
  /** Of the last one that was answered. */
  answered: number;
  /** The last one was counted as answered or missed. */
  isSettled: boolean;
  missed: number;
  heardAt: number;
}

export class Pinger {
  #socket: EchoSocket;
  #now: () => number;
  #targets: readonly Target[];
  #identifier = crypto.getRandomValues(new Uint16Array(1))[0]!;
  /** Who does not see our pings cannot answer them. */
  #nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));

  /** Throws UsageError without the right to ping. @param now ms */
  constructor(targets: readonly PingTarget[], socket?: EchoSocket, now: () => number = () => performance.now()) {
    this.#targets = targets.map((target) => ({
      ...target,
      sent: 0,
      answered: 0,
      isSettled: true,
      missed: 0,
      heardAt: -Infinity,
    }));
    this.#now = now;
    this.#socket = socket ?? new IcmpSocket(this.#identifier);
  }

  /**
   * Takes the answers to the last pings and sends the next; to be called each interval. A call that comes late does no harm: answers
   * waited meanwhile.
   */
  tick(): void {
    this.settle();
    for (const target of this.#targets) {
      target.sent++;
      target.isSettled = false;
      this.#socket.send(target.address, this.#identifier, target.sent % SEQUENCES, this.#nonce);
    }
  }

  /** Takes the answers to the last pings; who has not answered by now has missed his. */
  settle(): void {
    const heard = new Set<Target>();
    for (let reply = this.#socket.receive(); reply; reply = this.#socket.receive()) {
      const target = this.#answeredBy(reply);
      if (target) heard.add(target);
    }
    const now = this.#now();
    for (const target of this.#targets) {
      if (heard.has(target)) target.missed = 0, target.heardAt = now;
      else if (!target.isSettled) target.missed++;
      target.isSettled = true;
    }
  }

  /** The target, where the reply is to a ping of ours that was not answered yet, nor one sent after it. */
  #answeredBy({ from, identifier, sequence, data }: EchoReply): Target | undefined {
    if (identifier !== this.#identifier || !isSame(data, this.#nonce)) return undefined;
    const target = this.#targets.find(({ address }) => address === from);
    if (!target) return undefined;
    const behind = (target.sent - sequence + SEQUENCES) % SEQUENCES;
    if (target.sent - behind <= target.answered) return undefined;
    target.answered = target.sent - behind;
    return target;
  }

  /** Pings missed in a row. */
  missed(id: number): number {
    return this.#target(id)?.missed ?? 0;
  }

  /** When it answered last, ms of the clock; -Infinity when it never did, as where its firewall drops pings. */
  heardAt(id: number): number {
    return this.#target(id)?.heardAt ?? -Infinity;
  }

  #target(id: number): Target | undefined {
    return this.#targets.find((target) => target.id === id);
  }

  close(): void {
    this.#socket.close();
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
