/** A connection over which both sides pass bytes as they are, after 101 (Switching Protocols): RFC 9110 section 15.2.2. */

/** One side of it. */
export interface TunnelSide {
  readonly isBlocked: boolean;
  send(bytes: Uint8Array<ArrayBuffer>, length: number): void;
  /** Tells the peer, once everything is sent, that nothing more will come. */
  finish(): void;
}

export interface TunnelClient extends TunnelSide {
  /** Something passed: the time without anything begins anew. */
  tunnelUsed(): void;
  close(): void;
}

export class Tunnel {
  /** Sides that said they will send no more. */
  #ends = 0;

  constructor(readonly client: TunnelClient, readonly backEnd: TunnelSide) {}

  toClient(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.client.send(bytes, length);
    this.client.tunnelUsed();
  }

  clientEnded(): void {
    this.#ends++;
    this.backEnd.finish();
    this.endIfDone();
  }

  backEndEnded(): void {
    this.#ends++;
    this.client.finish();
    this.endIfDone();
  }

  endIfDone(): void {
    if (this.#ends === 2 && !this.client.isBlocked && !this.backEnd.isBlocked) this.client.close();
  }
}
