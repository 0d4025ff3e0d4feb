/** The end of a client's connection: first all that is unsent, then no reset that would overtake it. RFC 9112 section 9.6. */
import { Connection } from "./connection.ts";
import { FAILED } from "./stream.ts";

/** After its last response a connection is read and ignored for so long, ms, lest a reset overtake the response. */
const LINGER_MS = 2_000;

const DRAINING = 1;
const LINGERING = 2;

export abstract class EndingConnection extends Connection {
  #ending = 0;

  /** It serves no more. */
  protected get isEnding(): boolean {
    return this.#ending !== 0;
  }

  /** Ends the connection once everything is sent. */
  protected end(): void {
    if (!this.isOpen) return;
    if (this.isBlocked) {
      this.#ending = DRAINING;
      return;
    }
    this.#ending = LINGERING;
    this.stream.finish();
    this.loop.setDeadline(this, LINGER_MS);
    this.onReady();
  }

  /** Reads what nobody wants any more; false when there is nothing to do now. */
  protected ignoreSome(): boolean {
    return this.#ending === LINGERING && this.readOrClose() > 0;
  }

  /** Bytes at the start of the input, or 0 or less; at the client's end the connection is closed. */
  protected readOrClose(): number {
    const count = this.read();
    if (count === 0 || count === FAILED) this.close();
    return count;
  }

  /** Closes it so that the client sees that something is missing. */
  cut(): void {
    if (this.isOpen) this.stream.resetOnClose();
    this.close();
  }

  protected override onBroken(): void {
    this.close();
  }
}
