/** Kept-alive client connections to one server, each with at most one request on its way. */
import { Buffer } from "node:buffer";
import { Epoll } from "../../../ffi/epoll.ts";
import { strerror } from "../../../ffi/errno.ts";
import { close, connectError, connectTo, receive, send, socketAddressBytes } from "../../../ffi/socket.ts";
import { ResponseReader } from "./response.ts";
import { TimerFd } from "./timer_fd.ts";

/** Connections that are being opened at the same time: well under any listen(2) backlog. */
const OPENING = 64;
/** Longest wait for the server to say anything, ms. */
const SILENCE_MS = 5_000;
const BUFFER_BYTES = 262_144;

export class Connection {
  readonly reader = new ResponseReader();
  isBusy = false;
  /** For the caller: which request this connection carries, or will carry next. */
  request = 0;

  constructor(readonly fd: number) {}
}

export class Connections {
  readonly all: Connection[] = [];
  #epoll = new Epoll();
  #timer = new TimerFd();
  #byFd: (Connection | undefined)[] = [];
  #buffer = Buffer.from(new ArrayBuffer(BUFFER_BYTES));
  #request: Uint8Array<ArrayBuffer>;

  constructor(readonly port: number, path: string) {
    this.#request = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    this.#epoll.add(this.#timer.fd, 0);
  }

  /** Opens so many more. Throws where one cannot be opened. */
  open(count: number): Connection[] {
    const address = socketAddressBytes("127.0.0.1", this.port);
    for (let opened = 0; opened < count; opened += OPENING) {
      const batch = Array.from({ length: Math.min(OPENING, count - opened) }, () => {
        const fd = connectTo(address);
        if (fd < 0) throw new Error(`Cannot connect to port ${this.port}: ${strerror(-fd)}`);
        const connection = new Connection(fd);
        this.all.push(connection);
        this.#byFd[fd] = connection;
        this.#epoll.add(fd, 0);
        return connection;
      });
      const opening = new Set(batch);
      while (opening.size > 0) {
        for (const connection of this.#ready(SILENCE_MS)) {
          const failed = connectError(connection.fd);
          if (failed) throw new Error(`Cannot connect to port ${this.port}: ${strerror(failed)}`);
          opening.delete(connection);
        }
      }
    }
    return this.all.slice(-count);
  }

  send(connection: Connection): void {
    connection.isBusy = true;
    if (send(connection.fd, this.#request, this.#request.length) !== this.#request.length) {
      throw new Error("A request could not be sent");
    }
  }

  /**
   * Waits up to `ms`, fractions of them too, and calls `done` for each connection whose response is complete. Throws where a
   * connection breaks or 5 s pass without a word where more than that was granted.
   */
  wait(ms: number, done: (connection: Connection) => void): void {
    for (const connection of this.#ready(ms)) {
      if (connection.isBusy && this.#read(connection)) {
        connection.isBusy = false;
        done(connection);
      }
    }
  }

  *#ready(ms: number): Generator<Connection> {
    let timeout = 0;
    if (ms >= SILENCE_MS) timeout = SILENCE_MS;
    else if (ms > 0) {
      this.#timer.set(ms);
      timeout = -1;
    }
    const count = this.#epoll.wait(timeout);
    if (count === 0 && timeout > 0) throw new Error(`Port ${this.port} said nothing for ${SILENCE_MS / 1000} s`);
    for (let i = 0; i < count; i++) {
      const connection = this.#byFd[this.#epoll.fd(i)];
      if (connection) yield connection;
    }
  }

  /** Edge-triggered: reads until a read is short. True when the response ended. */
  #read(connection: Connection): boolean {
    while (true) {
      const count = receive(connection.fd, this.#buffer, this.#buffer.length);
      if (count === -1) return false;
      if (count <= 0) throw new Error(`Port ${this.port} broke a connection`);
      const ended = connection.reader.feed(this.#buffer, count);
      if (ended || count < this.#buffer.length) return ended;
    }
  }

  close(): void {
    for (const { fd } of this.all.splice(0)) close(fd);
    this.#timer.close();
    this.#epoll.close();
  }
}
