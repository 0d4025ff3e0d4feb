/**
 * A proxy process hands its listening descriptors to its successor (SCM_RIGHTS), so that no connection meets a closed port: the
 * sockets are never closed and bound again. On a Unix socket in the run folder:
 *
 *     successor                      predecessor
 *     connects, "take"  ──────────▶
 *                       ◀──────────  addresses as JSON, with the descriptors
 *     (both accept)
 *     "serving"         ──────────▶  stops accepting, drains, ends
 *
 * A successor that ends before it says "serving" changes nothing.
 */
import {
  acceptUnix,
  closeUnix,
  connectUnix,
  listenUnix,
  receiveMessage,
  sendMessage,
  waitReadable,
} from "../../ffi/unix_socket.ts";
import { strerror } from "../../ffi/errno.ts";
import { UsageError } from "../errors.ts";
import type { EventLoop, Watched } from "./loop.ts";
import { WOULD_BLOCK } from "./stream.ts";

/** A predecessor answers at once; it may be busy with a turn of its loop. */
const ANSWER_MS = 5_000;
const MESSAGE_BYTES = 4_096;
const TAKE = "take";
const SERVING = "serving";

/** A listening descriptor and where it listens. */
export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
  readonly fd: number;
}

/** Where a worker's successor asks. */
export function handoverPath(dir: string, worker: number): string {
  return `${dir}/serve-${worker}.sock`;
}

/** What the predecessor's side needs of its server. */
export interface Resigning {
  readonly listeningSockets: readonly ListeningSocket[];
  /** Accepts no more, drains and ends. */
  stop(): void;
}

/** Listens for a successor. */
export class HandoverPort implements Watched {
  #fd: number;
  #successor: Successor | undefined;

  /** Takes the path over from whoever had it. Throws UsageError where that cannot be. */
  constructor(path: string, readonly loop: EventLoop, readonly server: Resigning) {
    const fresh = `${path}.${Deno.pid}`;
    this.#fd = listenUnix(fresh);
    if (this.#fd < 0) throw new UsageError(`Cannot listen on ${fresh}: ${strerror(-this.#fd)}`);
    // Descriptors are for this user's processes only.
    Deno.chmodSync(fresh, 0o600);
    Deno.renameSync(fresh, path);
    loop.watch(this.#fd, this);
  }

  onEvent(): void {
    for (let fd = acceptUnix(this.#fd); fd >= 0; fd = acceptUnix(this.#fd)) {
      // One at a time: of two that serve the first could never be asked again.
      if (this.#successor?.isOpen) closeUnix(fd);
      else this.#successor = new Successor(fd, this.loop, this.server);
    }
  }

  onDefect(error: unknown): void {
    console.error("serve: a successor could not be heard:", error);
  }

  close(): void {
    this.loop.forget(this.#fd);
    closeUnix(this.#fd);
  }
}

/** A process that would be this one's successor. */
class Successor implements Watched {
  isOpen = true;
  #buffer = new Uint8Array(MESSAGE_BYTES);

  constructor(readonly fd: number, readonly loop: EventLoop, readonly server: Resigning) {
    loop.watch(fd, this);
    this.onEvent();
  }

  onEvent(): void {
    while (true) {
      const { count, descriptors } = receiveMessage(this.fd, this.#buffer);
      descriptors.forEach(closeUnix);
      if (count === WOULD_BLOCK) return;
      if (count <= 0 || !this.#obey(new TextDecoder().decode(this.#buffer.subarray(0, count)))) return this.#close();
    }
  }

  /** False when there is nothing more to say. */
  #obey(word: string): boolean {
    if (word === SERVING) this.server.stop();
    if (word !== TAKE) return false;
    const sockets = this.server.listeningSockets;
    const places = sockets.map(({ address, port }) => ({ address, port }));
    return sendMessage(this.fd, new TextEncoder().encode(JSON.stringify(places)), sockets.map(({ fd }) => fd));
  }

  #close(): void {
    this.isOpen = false;
    this.loop.forget(this.fd);
    closeUnix(this.fd);
  }

  onDefect(error: unknown): void {
    console.error("serve: a successor is given up:", error);
    this.#close();
  }
}

/** The process that serves now, as its successor sees it. */
export class Predecessor {
  #fd: number;

  /** Throws UsageError when none serves. */
  constructor(path: string) {
    this.#fd = connectUnix(path);
    if (this.#fd < 0) throw new UsageError(`No process to take over from at ${path}: ${strerror(-this.#fd)}`);
  }

  /** Copies of its listening descriptors, the caller's to close. Throws UsageError when it does not give them. */
  takeSockets(): ListeningSocket[] {
    const buffer = new Uint8Array(MESSAGE_BYTES);
    if (sendMessage(this.#fd, new TextEncoder().encode(TAKE), []) && waitReadable(this.#fd, ANSWER_MS)) {
      const { count, descriptors } = receiveMessage(this.#fd, buffer);
      const places: { address: string; port: number }[] = count > 0
        ? JSON.parse(new TextDecoder().decode(buffer.subarray(0, count)))
        : [];
      if (places.length === descriptors.length && places.length > 0) {
        return places.map(({ address, port }, i) => ({ address, port, fd: descriptors[i]! }));
      }
      descriptors.forEach(closeUnix);
    }
    this.close();
    throw new UsageError("The process that serves now did not hand over its listening sockets");
  }

  /** Tells it that its successor serves: it drains and ends. */
  release(): void {
    sendMessage(this.#fd, new TextEncoder().encode(SERVING), []);
    this.close();
  }

  /** It goes on as if nothing had been asked. */
  close(): void {
    closeUnix(this.#fd);
  }
}
