/** A connection whose TLS handshake is on its way. */
export interface Handshaking {
  giveUp(why: string): void;
}

/**
 * The handshakes under way. Where there are as many as may be, whoever has waited longest gives way to the next: clients that never
 * finish theirs keep nobody out.
 */
export class PendingHandshakes {
  /** In the order in which they began. */
  #begun = new Set<Handshaking>();

  /** @param timeout how long each may take, ms */
  constructor(public most: number, public timeout: number) {}

  begin(connection: Handshaking): void {
    if (this.#begun.size >= this.most) {
      const [oldest] = this.#begun;
      oldest!.giveUp("others came, and it had taken longest");
    }
    this.#begun.add(connection);
  }

  /** It is over, or was over already. */
  end(connection: Handshaking): void {
    this.#begun.delete(connection);
  }
}
