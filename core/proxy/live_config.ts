/** What a proxy process holds open for its config, and how another config takes its place while it serves. */
import { existsSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { Mapping } from "../../ffi/mapping.ts";
import { besideConfig } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { ArraySecret } from "../secrets/array_secret.ts";
import { Changes, CHANGES_FILE } from "../speederize/changes.ts";
import { ProxySide } from "../speederize/proxy_side.ts";
import { Speederizer } from "../speederize/speederizer.ts";
import { EncryptedBackEnds } from "../tls/back_end_tls.ts";
import type { TlsServer } from "../tls/tls_server.ts";
import { AccessLog } from "./access_log/access_log.ts";
import { BackEndControl, backEndControlFile } from "./back_end_control.ts";
import { type BackEndTable, layoutOf } from "./back_end_table.ts";
import { CertificatesInService } from "./certificate_files.ts";
import { type ErrorPage, readErrorPages } from "./error_pages.ts";
import type { EventLoop } from "./loop.ts";
import type { Server, ServerConfig } from "./server.ts";
import { Learning } from "./sessions/learning.ts";
import { createTable, moveTable } from "./table_files.ts";
import { openTls, storeOptions, type TlsPlace } from "./tls_setup.ts";

export interface Process {
  readonly configFile: string;
  readonly worker: number;
  readonly workers: number;
}

export class LiveConfig {
  readonly table: BackEndTable;
  readonly control: BackEndControl;
  tls: TlsServer | undefined;
  #config: Config;
  #mapping: Mapping;
  #controlled: Mapping;
  #published: CertificatesInService;
  #secret: ArraySecret | undefined;
  #encrypted: EncryptedBackEnds | undefined;
  #speed: Speederizer | undefined;
  /** Of pages, for all processes of the node; stays once it is there. */
  #changed: Mapping | undefined;
  #speedSide: ProxySide | undefined;
  #learning: Learning | undefined;
  #errorPages: ReadonlyMap<number, ErrorPage>;

  /** Throws UsageError, with nothing left open. */
  constructor(config: Config, readonly node: NodeConfig, readonly process: Process, readonly dir: string) {
    this.#config = config;
    const { worker, configFile } = process;
    ({ mapping: this.#mapping, table: this.table } = createTable(dir, worker, config));
    this.#published = new CertificatesInService(dir, worker, log);
    this.#controlled = Mapping.create(`${dir}/${backEndControlFile(config)}`, BackEndControl.bytes(config));
    this.control = new BackEndControl(this.#controlled.buffer, config);
    try {
      this.#secret = this.#secretFor(config);
      this.#learning = this.#learningFor(config, this.#secret);
      this.tls = config.tls && openTls(config.tls, config.proxy.http2, this.#tlsPlace, this.#secret);
      this.#encrypted = new EncryptedBackEnds(config, configFile, log);
      this.#speed = this.#speedFor(config);
      this.#errorPages = readErrorPages(config, this.#place);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get #tlsPlace(): TlsPlace {
    return { configFile: this.process.configFile, dir: this.dir, log };
  }

  #place = (path: string) => besideConfig(this.process.configFile, path);

  /** Undefined where there is none and nothing needs it. Throws UsageError. */
  #secretFor({ pools, tls, array }: Config): ArraySecret | undefined {
    if (this.#secret) return this.#secret;
    const file = this.#place(`${array.secrets}/array.key`);
    const needs = pools.some(({ persistence }) => persistence?.opaque || persistence?.session_id?.mode === "learn");
    return needs || tls && existsSync(file) ? ArraySecret.load(file) : undefined;
  }

  /** Once it learns it goes on: it is told by other nodes. */
  #learningFor(config: Config, secret: ArraySecret | undefined): Learning | undefined {
    if (this.#learning) return this.#learning;
    if (!config.pools.some(({ persistence }) => persistence?.session_id?.mode === "learn")) return undefined;
    const { dir, node, process: { worker } } = this;
    return new Learning({ dir, config, node, worker, secret: secret! });
  }

  #speedFor({ speederize }: Config): Speederizer | undefined {
    if (!speederize) return undefined;
    this.#changed ??= Mapping.create(`${this.dir}/${CHANGES_FILE}`, Changes.BYTES);
    return new Speederizer(speederize, new Changes(this.#changed.buffer));
  }

  forServer(): ServerConfig & Pick<LiveConfig, "table" | "control" | "tls"> {
    const { table, control, tls } = this;
    return { ...this.#serverConfig(this.#config, this.#errorPages), table, control, tls };
  }

  #serverConfig(config: Config, errorPages: ReadonlyMap<number, ErrorPage>): ServerConfig {
    const { worker, workers } = this.process;
    const logFile = config.access_log?.file;
    return {
      config,
      place: { nodes: servingNodes(config), nodeId: this.node.id, workers, worker },
      encrypted: this.#encrypted!,
      secret: this.#secret,
      learning: this.#learning,
      speed: this.#speed,
      errorPages,
      openLog: logFile === undefined
        ? undefined
        : (loop: EventLoop) => new AccessLog(this.#place(logFile), loop, this.table, log),
    };
  }

  /** Puts another config in service. Throws UsageError, with the one in service as it was. */
  take(config: Config, server: Server): void {
    const { configFile, worker } = this.process;
    const errorPages = readErrorPages(config, this.#place);
    const secret = this.#secretFor(config);
    const takeTls = this.#prepareTls(config);
    const encrypted = new EncryptedBackEnds(config, configFile, log, this.#encrypted);
    const isSameSpeed = isDeepStrictEqual(config.speederize, this.#config.speederize);
    const speed = isSameSpeed ? this.#speed : this.#speedFor(config);
    const before = this.#learning;
    const learning = this.#learningFor(config, secret);
    const takePools = server.prepare({ ...this.#serverConfig(config, errorPages), secret, encrypted, speed, learning });
    const isSameLayout = layoutOf(config) === layoutOf(this.#config);
    const controlled = isSameLayout
      ? this.#controlled
      : Mapping.create(`${this.dir}/${backEndControlFile(config)}`, BackEndControl.bytes(config));
    const mapping = isSameLayout ? this.#mapping : moveTable(this.dir, worker, this.table, config);
    // From here on nothing fails, and no event comes between.
    this.control.moveTo(controlled.buffer, config);
    takePools();
    takeTls();
    if (learning !== before) learning!.watch(server.loop);
    learning?.tellNodesOf(config);
    if (!isSameLayout) { for (const former of [this.#mapping, this.#controlled]) former.close(); }
    if (!isSameSpeed) {
      this.#speedSide?.close();
      this.#speedSide = speed && new ProxySide(speed, this.dir, log);
    }
    this.#config = config;
    this.#mapping = mapping;
    this.#controlled = controlled;
    this.#secret = secret;
    this.#encrypted = encrypted;
    this.#speed = speed;
    this.#learning = learning;
    this.publish();
  }

  #prepareTls({ tls, proxy }: Config): () => void {
    const server = this.tls;
    if (!tls || !server) return () => {};
    const isSame = isDeepStrictEqual(tls, this.#config.tls);
    const hasTickets = server.tickets !== undefined;
    const { token } = server.store.options;
    const take = isSame ? () => {} : server.store.prepare(storeOptions(tls, this.#tlsPlace, hasTickets, token));
    return () => {
      take();
      server.offersHttp2 = proxy.http2;
    };
  }

  /** What runs beside the requests begins. */
  begin(): void {
    this.#speedSide = this.#speed && new ProxySide(this.#speed, this.dir, log);
  }

  /** Says which certificates are in service. */
  publish(): void {
    const { tls } = this;
    const authorities = [...tls?.store.authorities ?? [], ...this.#encrypted!.authorities];
    this.#published.publish(tls?.store.certificates ?? [], authorities, Date.now());
  }

  /** Takes certificates into service whose files changed, and tables of processes that began. */
  renew(): void {
    const { tls } = this;
    this.#learning?.lookForTables();
    let isRenewed = this.#encrypted!.renew();
    try {
      if (tls?.store.renew()) {
        tls.log("new certificates are in service");
        isRenewed = true;
      }
    } catch (error) {
      log(`the certificates in service stay: ${error instanceof Error ? error.message : error}`);
    }
    if (isRenewed) this.publish();
    else this.#published.remind(Date.now());
    tls?.store.lookAtStaples();
  }

  close(): void {
    this.#speedSide?.close();
    this.#published.close();
    this.#learning?.close();
    this.#encrypted?.close();
    this.tls?.store.close();
    this.#controlled.close();
    this.#changed?.close();
    this.#mapping.close();
  }
}

/**
 * As the config has them; which of them have failed the control process says. One that drains has its part: it still serves those that
 * came before.
 */
function servingNodes({ nodes }: Config) {
  return nodes.filter(({ enabled, weight }) => enabled && weight > 0);
}

function log(line: string): void {
  console.error(`serve: ${line}`);
}
