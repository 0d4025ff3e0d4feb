/**
 * A client connection of a server whose keys are in a device: its handshake may be on a thread for a while. As long as it is, the
 * session is not read, written or freed, and its descriptor stays open.
 */
import { finishSending, stopBoth } from "../../ffi/socket.ts";
import type { TlsSession } from "../../ffi/tls_session.ts";
import { FAILED, WOULD_BLOCK } from "../proxy/stream.ts";
import type { Job, SigningQueue } from "./signing_queue.ts";
import { type Identified, IdentifiedStream } from "./identified_stream.ts";

/** Where the session is. */
type Place = "here" | "waiting" | "on the thread";

export class HardwareTlsStream extends IdentifiedStream implements Job {
  readonly #queue: SigningQueue;
  readonly #session: TlsSession;
  #place: Place = "here";
  /** Why the handshake is over; "" while it is not. */
  #failure = "";
  #isClosed = false;
  /** Called when there is something to read again. */
  wake = () => {};

  constructor(
    fd: number,
    session: TlsSession,
    onFailedHandshake: (why: string) => void,
    queue: SigningQueue,
    client: Identified | undefined,
  ) {
    super(fd, session, onFailedHandshake, client);
    this.#session = session;
    this.#queue = queue;
  }

  override read(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    if (this.#failure !== "") return FAILED;
    if (this.#place !== "here") return WOULD_BLOCK;
    const count = super.read(buffer, length);
    if (count !== WOULD_BLOCK || !this.#session.isSuspended) return count;
    this.#place = "waiting";
    if (this.#queue.add(this)) return WOULD_BLOCK;
    this.#place = "here";
    this.#fail("too many wait for the hardware key");
    return FAILED;
  }

  override write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    if (this.#failure !== "") return FAILED;
    return this.#place === "here" ? super.write(bytes, length) : WOULD_BLOCK;
  }

  async run(): Promise<void> {
    this.#place = "on the thread";
    const isGood = await this.#session.stepOnThread();
    this.#place = "here";
    if (this.#isClosed) return super.close();
    if (!isGood && this.#failure === "") this.#fail(this.#session.whyStepFailed);
    this.wake();
  }

  onExpiry(): void {
    if (this.#place === "waiting") this.#place = "here";
    if (this.#isClosed) return;
    this.#fail("the hardware key was not to be had in time");
    this.wake();
  }

  #fail(why: string): void {
    this.#failure = why;
    this.onFailedHandshake(why);
  }

  override finish(): void {
    if (this.#place === "here") super.finish();
    else finishSending(this.fd);
  }

  override close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue.forget(this);
    // The thread's own writes fail from now on; what it holds is freed when it returns.
    if (this.#place === "on the thread") stopBoth(this.fd);
    else super.close();
  }
}
