/** Kept-alive client connections to one server, each with at most one request on its way. */
import { Buffer } from "node:buffer";
import { Epoll } from "../../../ffi/epoll.ts";
import { WOULD_BLOCK } from "../../../ffi/socket.ts";
import { type Client, PlainClient, type Target } from "./client.ts";
import { ResponseReader } from "./response.ts";
import { TimerFd } from "./timer_fd.ts";
import { TlsClients } from "./tls_client.ts";

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

  constructor(readonly client: Client) {}
}

let tlsClients: TlsClients | undefined;

/** Of this process. */
export function allTlsClients(): TlsClients {
  return tlsClients ??= new TlsClients();
}

export class Connections {
  readonly all: Connection[] = [];
  #epoll = new Epoll();
  #timer = new TimerFd();
  #byFd: (Connection | undefined)[] = [];
  #buffer = Buffer.from(new ArrayBuffer(BUFFER_BYTES));
  #request: Uint8Array<ArrayBuffer>;

  readonly port: number;
  #connect: () => Client;

  constructor({ port, isTls = false }: Target, path: string) {
    this.port = port;
    this.#connect = isTls ? () => allTlsClients().connect(port) : () => new PlainClient(port);
    this.#request = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    this.#epoll.add(this.#timer.fd, 0);
  }

  /** Opens so many more. Throws where one cannot be opened. */
  open(count: number): Connection[] {
    for (let opened = 0; opened < count; opened += OPENING) {
      const batch = Array.from({ length: Math.min(OPENING, count - opened) }, () => {
        const connection = new Connection(this.#connect());
        this.all.push(connection);
        this.#byFd[connection.client.fd] = connection;
        this.#epoll.add(connection.client.fd, 0);
        return connection;
      });
      const opening = new Set(batch);
      while (opening.size > 0) {
        for (const connection of this.#ready(SILENCE_MS)) {
          if (opening.has(connection) && connection.client.open()) opening.delete(connection);
        }
      }
    }
    return this.all.slice(-count);
  }

  send(connection: Connection): void {
    connection.isBusy = true;
    if (connection.client.send(this.#request, this.#request.length) !== this.#request.length) {
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

  /** Edge-triggered: reads until the response ends, then true, or nothing is left to read. */
  #read({ client, reader }: Connection): boolean {
    while (true) {
      const count = client.receive(this.#buffer, this.#buffer.length);
      if (count === WOULD_BLOCK) return false;
      if (count <= 0) throw new Error(`Port ${this.port} broke a connection`);
      if (reader.feed(this.#buffer, count)) return true;
    }
  }

  close(): void {
    for (const { client } of this.all.splice(0)) client.close();
    this.#timer.close();
    this.#epoll.close();
  }
}
