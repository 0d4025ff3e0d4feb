/** A connection whose PROXY header is still to come: nothing behind it is read, since that may be the business of TLS. */
import { close as closeFd, FAILED, peek, receive, WOULD_BLOCK } from "../../ffi/socket.ts";
import type { EventLoop, Watched } from "./loop.ts";
import { BAD, type Endpoint, HEADER_MOST, MORE, readProxyHeader } from "./proxy_header.ts";
import { Timed } from "./timer_wheel.ts";

const HEADER = new Uint8Array(HEADER_MOST);

export class ProxyHeaderWait extends Timed implements Watched {
  #isOpen = true;

  /** @param done hears who the client is, undefined where the proxy does not say; null where it is nobody: the descriptor is closed then */
  constructor(
    readonly loop: EventLoop,
    readonly fd: number,
    readonly timeout: number,
    readonly done: (source: Endpoint | undefined | null) => void,
  ) {
    super();
  }

  begin(): void {
    this.loop.watch(this.fd, this);
    this.loop.setDeadline(this, this.timeout);
  }

  onEvent(): void {
    if (!this.#isOpen) return;
    const count = peek(this.fd, HEADER, HEADER.length);
    if (count === WOULD_BLOCK) return;
    if (count === 0 || count === FAILED) return this.giveUp();
    const header = readProxyHeader(HEADER.subarray(0, count));
    if (header === MORE) return;
    if (header === BAD) return this.giveUp();
    receive(this.fd, HEADER, header.length);
    this.#end();
    // Watched anew by whoever has it next: what came behind the header makes an event again.
    this.loop.unwatch(this.fd);
    this.done(header.source);
  }

  giveUp(): void {
    if (!this.#isOpen) return;
    this.#end();
    this.loop.forget(this.fd);
    closeFd(this.fd);
    this.done(null);
  }

  #end(): void {
    this.#isOpen = false;
    this.loop.clearDeadline(this);
  }

  override onTimeout(): void {
    this.giveUp();
  }

  override onDefect(error: unknown): void {
    console.error("serve: a connection is given up:", error);
    this.giveUp();
  }
}
