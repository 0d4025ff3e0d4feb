/** `dlba serve`: listeners, their connections, and the end. */
import { isDeepStrictEqual } from "node:util";
import { close as closeFd, listenOn, whyNotFree } from "../../ffi/socket.ts";
import { strerror } from "../../ffi/errno.ts";
import type { Config } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import type { ArraySecret } from "../secrets/array_secret.ts";
import type { EncryptedBackEnds } from "../tls/back_end_tls.ts";
import type { Speederizer } from "../speederize/speederizer.ts";
import type { TlsServer } from "../tls/tls_server.ts";
import type { AccessLog } from "./access_log/access_log.ts";
import { Dispatcher } from "./app.ts";
import type { BackEndControl } from "./back_end_control.ts";
import type { BackEndTable } from "./back_end_table.ts";
import type { ClientContext, Settings } from "./client_context.ts";
import { IdentityRules } from "./client_identity.ts";
import { mostClients } from "./descriptors.ts";
import type { Place } from "./divided_limit.ts";
import type { ErrorPage } from "./error_pages.ts";
import type { ListeningSocket } from "./handover.ts";
import { AbuseCounts } from "./http2/abuse.ts";
import { Listener } from "./listener.ts";
import { EventLoop } from "./loop.ts";
import { PendingHandshakes } from "./pending_handshakes.ts";
import { buildPools, type Pool } from "./pool.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { RequestIds } from "./request_ids.ts";
import type { Learning } from "./sessions/learning.ts";

/** Connections that wait to be accepted: what the kernel allows by default (net.core.somaxconn). */
const BACKLOG = 4096;
const EADDRINUSE = 98;
const EADDRNOTAVAIL = 99;
const EACCES = 13;

/** What a server takes up of a config: at its start, and again with each change. */
export interface ServerConfig {
  readonly config: Config;
  /** Where it is in the array. */
  readonly place: Place;
  /** Closed by who made it, after the server. */
  readonly encrypted: EncryptedBackEnds;
  /** Needed where cookies are opaque. */
  readonly secret?: ArraySecret | undefined;
  /** Needed where session ids are learned. Closed by who made it, after the server. */
  readonly learning?: Learning | undefined;
  /** For pools that are speederized. */
  readonly speed?: Speederizer | undefined;
  /** Opens the access log for a server's loop, where its file is another than before; none without. */
  readonly openLog?: ((loop: EventLoop) => AccessLog) | undefined;
  readonly errorPages?: ReadonlyMap<number, ErrorPage>;
}

export interface ServerOptions extends ServerConfig {
  /** Where to listen. */
  readonly address: string;
  /** For the HTTPS port; none without. Closed by who made it, after the server. */
  readonly tls: TlsServer | undefined;
  /** What the control process of the node says of back ends. */
  readonly control?: BackEndControl | undefined;
  /** What this server counts. */
  readonly table: BackEndTable;
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
  #pools: ReadonlyMap<string, Pool> = new Map();
  readonly #control: BackEndControl | null;
  /** Where it listens, whatever a config says later. */
  readonly #httpsPort: number;
  #config: Config;
  #drainUntil = Infinity;

  /** Opens every listener. Throws UsageError, with none left open, when one cannot be opened. */
  constructor(options: ServerOptions) {
    const { config, address, tls, table, isAlone, inherited = [], learning } = options;
    this.#isAlone = isAlone;
    this.#inherited = [...inherited];
    this.#config = config;
    this.#httpsPort = config.array.ports.https;
    this.#control = options.control ?? null;
    const loop = new EventLoop();
    learning?.watch(loop);
    const { pools, settings } = this.#prepare(options, loop);
    this.#pools = pools;
    this.#context = {
      ...settings,
      loop,
      table,
      clients: new Set(),
      mostClients: mostClients(),
      handshakes: new PendingHandshakes(config.tls?.max_handshakes ?? 0, config.tls?.handshake_timeout ?? 0),
      abuse: new AbuseCounts((line) => console.error(`serve: ${line}`), () => loop.now),
      isStopping: false,
    };
    try {
      const { http = false, https = false } = config.client_identity?.proxy_protocol ?? {};
      this.#listen(address, config.array.ports.http, undefined, http);
      if (tls) this.#listen(address, config.array.ports.https, tls, https);
    } catch (error) {
      this.#free();
      throw error;
    }
    this.#closeInherited();
    for (const listener of this.#listeners) loop.watch(listener.fd, listener);
  }

  /** Pools and settings of a config, beside those in service. Throws UsageError. @param before what is in service; nothing at the start */
  #prepare(options: ServerConfig, loop: EventLoop, before?: ClientContext) {
    const { config, encrypted, secret, learning, place, speed, openLog, errorPages = new Map() } = options;
    const next = buildPools(config, this.#pools, {
      encrypted,
      secret,
      memory: learning,
      control: this.#control,
      place,
    });
    if (speed) { for (const pool of next.pools.values()) if (pool.config.speederize) pool.speed = speed; }
    const isSameLimit = isDeepStrictEqual(config.rate_limit, this.#config.rate_limit);
    const isSameLog = config.access_log?.file === this.#config.access_log?.file;
    const settings: Settings = {
      limits: config.proxy,
      dispatcher: new Dispatcher(config, next.pools),
      tlsLines: config.tls?.hsts ? `strict-transport-security: ${config.tls.hsts}\r\n` : "",
      asksForCertificates: config.tls?.client_ca !== undefined,
      redirectPort: config.tls?.redirect_http ? this.#httpsPort : undefined,
      log: before && isSameLog ? before.log : openLog?.(loop) ?? null,
      requestIds: config.proxy.request_id === undefined ? null : new RequestIds(config.proxy.request_id),
      errorPages,
      identityRules: config.client_identity ? new IdentityRules(config.client_identity) : null,
      // Who is over his limit stays so.
      limiter: before && isSameLimit ? before.limiter : config.rate_limit ? new RateLimiter(config.rate_limit) : null,
    };
    return { ...next, settings };
  }

  /**
   * Makes ready what the config says; what is returned takes it into service between two events: requests under way end as they began,
   * and each connection goes on by it from its next request. Throws UsageError, with nothing changed.
   */
  prepare(options: ServerConfig): () => void {
    const context = this.#context;
    const { pools, settings, takeIntoService } = this.#prepare(options, context.loop, context);
    return () => {
      const { log } = context;
      takeIntoService();
      this.#pools = pools;
      this.#config = options.config;
      Object.assign(context, settings);
      if (log !== null && log !== settings.log) void log.close();
      const { tls, client_identity } = options.config;
      context.handshakes.most = tls?.max_handshakes ?? 0;
      context.handshakes.timeout = tls?.handshake_timeout ?? 0;
      const { http = false, https = false } = client_identity?.proxy_protocol ?? {};
      for (const listener of this.#listeners) listener.takesProxyHeader = listener.tls === undefined ? http : https;
      for (const pool of pools.values()) pool.wakeAll();
    };
  }

  get loop(): EventLoop {
    return this.#context.loop;
  }

  get listeningSockets(): readonly ListeningSocket[] {
    return this.#listeners;
  }

  #listen(address: string, port: number, tls: TlsServer | undefined, takesHeader: boolean): void {
    let fd = this.#inherit(address, port);
    if (fd === undefined) {
      // The port is shared with the other processes of this node, and with nobody else.
      const taken = this.#isAlone ? whyNotFree(address, port) : 0;
      fd = taken !== 0 ? -taken : listenOn(address, port, BACKLOG);
    }
    if (fd < 0) throw new UsageError(whyNotListening(address, port, -fd));
    this.#listeners.push(new Listener(this.#context, address, port, fd, tls, takesHeader));
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
      for (const backEnd of pool.backEnds) backEnd.closeIdle();
    }
    this.#context.loop.close();
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
