/** `dlba serve`: listeners, their connections, and the end. */
import { accept, acceptedFrom, close as closeFd, listenOn, whyNotFree } from "../../ffi/socket.ts";
import { strerror } from "../../ffi/errno.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import type { ArraySecret } from "../secrets/array_secret.ts";
import type { EncryptedBackEnds } from "../tls/back_end_tls.ts";
import type { Speederizer } from "../speederize/speederizer.ts";
import { HardwareTlsStream } from "../tls/hardware_stream.ts";
import type { TlsServer } from "../tls/tls_server.ts";
import { TlsStream } from "../tls/tls_stream.ts";
import type { AccessLog } from "./access_log/access_log.ts";
import { Dispatcher } from "./app.ts";
import type { BackEndControl } from "./back_end_control.ts";
import type { BackEndTable } from "./back_end_table.ts";
import { ClientConnection, type ClientContext } from "./client_connection.ts";
import { ClientIdentity } from "./client_identity.ts";
import { mostClients } from "./descriptors.ts";
import type { ErrorPage } from "./error_pages.ts";
import type { ListeningSocket } from "./handover.ts";
import { EventLoop } from "./loop.ts";
import { PendingHandshakes } from "./pending_handshakes.ts";
import { buildPools, type Pool } from "./pool.ts";
import { RequestIds } from "./request_ids.ts";
import type { Learning } from "./sessions/learning.ts";
import { PlainStream } from "./stream.ts";
import { Timed } from "./timer_wheel.ts";

/** Connections that wait to be accepted: what the kernel allows by default (net.core.somaxconn). */
const BACKLOG = 4096;
/** When no descriptor is left, accepting is tried again after so long, ms. */
const ACCEPT_RETRY_MS = 100;
/** Accepted in a turn, lest a flood of connections keep those that are there waiting. */
const ACCEPTS_A_TURN = 64;
const EAGAIN = 11;
const ECONNABORTED = 103;
const EADDRINUSE = 98;
const EADDRNOTAVAIL = 99;
const EACCES = 13;

export interface ServerOptions {
  readonly config: Config;
  /** Where to listen. */
  readonly address: string;
  /** For the HTTPS port; none without. Closed by who made it, after the server. */
  readonly tls: TlsServer | undefined;
  /** Closed by who made it, after the server. */
  readonly encrypted: EncryptedBackEnds;
  /** Needed where cookies are opaque. */
  readonly secret?: ArraySecret | undefined;
  /** Needed where session ids are learned. Closed by who made it, after the server. */
  readonly learning?: Learning | undefined;
  /** What the control process of the node says of back ends. */
  readonly control?: BackEndControl | undefined;
  /** What this server counts. */
  readonly table: BackEndTable;
  /** For pools that are speederized. */
  readonly speed?: Speederizer | undefined;
  /** Opens the access log for a server's loop; none without. */
  readonly openLog?: ((loop: EventLoop) => AccessLog) | undefined;
  readonly errorPages?: ReadonlyMap<number, ErrorPage>;
  /** No other process of this node serves. */
  readonly isAlone: boolean;
  /** Sockets of its predecessor: used where the server listens at the same place, else closed. */
  readonly inherited?: readonly ListeningSocket[];
}

export class Server {
  /** As "192.0.2.10:443". */
  readonly addresses: string[] = [];
  #context: ClientContext;
  #listeners: Listener[] = [];
  #inherited: ListeningSocket[];
  readonly #isAlone: boolean;
  #pools: ReadonlyMap<string, Pool>;
  #drainUntil = Infinity;

  /** Opens every listener. Throws UsageError, with none left open, when one cannot be opened. */
  constructor(options: ServerOptions) {
    const { config, address, tls, encrypted, table, speed, isAlone, inherited = [], openLog, errorPages = new Map() } =
      options;
    this.#isAlone = isAlone;
    this.#inherited = [...inherited];
    const loop = new EventLoop();
    this.#pools = buildPools(config, {
      encrypted,
      secret: options.secret,
      memory: options.learning,
      control: options.control ?? null,
    });
    options.learning?.watch(loop);
    if (speed) { for (const pool of this.#pools.values()) if (pool.config.speederize) pool.speed = speed; }
    const dispatcher = new Dispatcher(config, this.#pools);
    this.#context = {
      loop,
      limits: config.proxy,
      dispatcher,
      table,
      clients: new Set(),
      mostClients: mostClients(),
      tlsLines: config.tls?.hsts ? `strict-transport-security: ${config.tls.hsts}\r\n` : "",
      handshakes: new PendingHandshakes(config.tls?.max_handshakes ?? 0, config.tls?.handshake_timeout ?? 0),
      asksForCertificates: config.tls?.client_ca !== undefined,
      redirectPort: config.tls?.redirect_http ? config.array.ports.https : undefined,
      log: openLog?.(loop) ?? null,
      requestIds: config.proxy.request_id === undefined ? null : new RequestIds(config.proxy.request_id),
      errorPages,
      isStopping: false,
    };
    try {
      this.#listen(address, config.array.ports.http, undefined);
      if (tls) {
        this.#listen(address, config.array.ports.https, tls);
      }
    } catch (error) {
      this.#free();
      throw error;
    }
    this.#closeInherited();
    for (const listener of this.#listeners) loop.watch(listener.fd, listener);
  }

  get loop(): EventLoop {
    return this.#context.loop;
  }

  get listeningSockets(): readonly ListeningSocket[] {
    return this.#listeners;
  }

  #listen(address: string, port: number, tls: TlsServer | undefined): void {
    let fd = this.#inherit(address, port);
    if (fd === undefined) {
      // The port is shared with the other processes of this node, and with nobody else.
      const taken = this.#isAlone ? whyNotFree(address, port) : 0;
      fd = taken !== 0 ? -taken : listenOn(address, port, BACKLOG);
    }
    if (fd < 0) throw new UsageError(whyNotListening(address, port, -fd));
    this.#listeners.push(new Listener(this.#context, address, port, fd, tls));
    this.addresses.push(`${address}:${port}`);
  }

  #inherit(address: string, port: number): number | undefined {
    const at = this.#inherited.findIndex((socket) => socket.address === address && socket.port === port);
    return at < 0 ? undefined : this.#inherited.splice(at, 1)[0]!.fd;
  }

  #closeInherited(): void {
    for (const { fd } of this.#inherited.splice(0)) closeFd(fd);
  }

  /** Serves until {@linkcode stop}, and then until the running exchanges are done or out of time. */
  async run(): Promise<void> {
    const { loop, clients } = this.#context;
    await loop.run(() => this.#context.isStopping && (clients.size === 0 || loop.now > this.#drainUntil));
    for (const client of [...clients]) client.endNow();
    this.#free();
    await this.#context.log?.close();
  }

  /** Accepts no more; connections without a request are closed. */
  stop(): void {
    const context = this.#context;
    if (context.isStopping) return;
    context.isStopping = true;
    this.#drainUntil = context.loop.now + context.limits.drain_timeout;
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    for (const client of [...context.clients]) client.endIfIdle();
  }

  #free(): void {
    this.#closeInherited();
    for (const listener of this.#listeners) listener.close();
    for (const pool of this.#pools.values()) {
      for (const backEnd of pool.backEnds) {
        for (const connection of backEnd.idle.splice(0)) connection.close();
      }
    }
    this.#context.loop.close();
  }
}

class Listener extends Timed {
  #isOpen = true;

  constructor(
    readonly context: ClientContext,
    readonly address: string,
    readonly port: number,
    readonly fd: number,
    readonly tls: TlsServer | undefined,
  ) {
    super();
  }

  onEvent(): void {
    const { clients, mostClients, loop } = this.context;
    for (let accepted = 0; accepted < ACCEPTS_A_TURN; accepted++) {
      if (clients.size >= mostClients) return loop.setDeadline(this, ACCEPT_RETRY_MS);
      const fd = accept(this.fd);
      if (fd >= 0) this.#welcome(fd);
      else if (-fd === EAGAIN) return;
      else if (-fd !== ECONNABORTED) {
        // No descriptor or memory is left. Edge-triggered: nobody says again that connections wait.
        this.context.loop.setDeadline(this, ACCEPT_RETRY_MS);
        return;
      }
    }
    this.context.loop.again(this);
  }

  onTurn(): void {
    if (this.#isOpen) this.onEvent();
  }

  #welcome(fd: number): void {
    const peer = acceptedFrom();
    const identity = new ClientIdentity(peer, this.tls !== undefined, this.context.asksForCertificates);
    const stream = this.tls ? this.tls.accept(fd, peer, identity) : new PlainStream(fd);
    const connection = new ClientConnection(this.context, stream, identity);
    if (stream instanceof TlsStream) stream.onEstablished = () => connection.established();
    if (stream instanceof HardwareTlsStream) stream.wake = () => connection.wake();
  }

  override onTimeout(): void {
    this.onEvent();
  }

  override onDefect(error: unknown): void {
    console.error("serve: a connection could not be accepted:", error);
  }

  /** A second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.context.loop.clearDeadline(this);
    this.context.loop.unwatch(this.fd);
    closeFd(this.fd);
  }
}

function whyNotListening(address: string, port: number, errno: number): string {
  switch (errno) {
    case EADDRINUSE:
      return `Port ${port} of ${address} is in use by another program: ss -ltnp 'sport = :${port}' names it`;
    case EADDRNOTAVAIL:
      return `${address} is not an address of this machine. For the VIP run: dlba setup-node --apply`;
    case EACCES:
      return `No right to listen on port ${port}: run as root or with CAP_NET_BIND_SERVICE`;
    default:
      return `Cannot listen on ${address}:${port}: ${strerror(errno)}`;
  }
}
