/** `dlba serve`: one proxy process. */
import { existsSync } from "node:fs";
import { Mapping } from "../../ffi/mapping.ts";
import { besideConfig, runDir } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { announceReady } from "../node/role.ts";
import { ArraySecret } from "../secrets/array_secret.ts";
import { keepMemoryOutOfCoreDumps } from "../secrets/core_dumps.ts";
import { Changes, CHANGES_FILE } from "../speederize/changes.ts";
import { ProxySide } from "../speederize/proxy_side.ts";
import { Speederizer } from "../speederize/speederizer.ts";
import { EncryptedBackEnds } from "../tls/back_end_tls.ts";
import { CertificateStore, type StoreOptions } from "../tls/certificate_store.ts";
import { openToken } from "../tls/hardware_keys.ts";
import { isKeyUri } from "../tls/key_uri.ts";
import { tryPinOnce } from "../tls/refused_pin.ts";
import { FETCH } from "../tls/staples.ts";
import { ArrayTicketKeys } from "../tls/ticket_keys.ts";
import { TlsServer } from "../tls/tls_server.ts";
import { AccessLog } from "./access_log/access_log.ts";
import { BackEndControl, backEndControlFile } from "./back_end_control.ts";
import { CertificatesInService } from "./certificate_files.ts";
import { handoverPath, HandoverPort, Predecessor } from "./handover.ts";
import { readErrorPages } from "./error_pages.ts";
import type { EventLoop } from "./loop.ts";
import { Learning } from "./sessions/learning.ts";
import { Server } from "./server.ts";
import { createTable, othersServe } from "./table_files.ts";

export interface ServeOptions {
  readonly configFile: string;
  /** Instead of the VIP. */
  readonly listen?: string | undefined;
  /** Which of the node's proxy processes this is, from 0. */
  readonly worker: number;
  /** How many those are. */
  readonly workers: number;
  /** Take the listening sockets of the process that is this worker now; it drains and ends. */
  readonly takeOver: boolean;
}

/** Files of certificates are looked at so often, ms. */
const RENEW_MS = 2_000;

/** Serves until SIGTERM or SIGINT, or until a successor takes over. Throws UsageError where it cannot start. */
export async function runServe(config: Config, node: NodeConfig, options: ServeOptions): Promise<void> {
  const { configFile, listen, worker, workers, takeOver } = options;
  const dir = runDir(config, node);
  const path = handoverPath(dir, worker);
  const { mapping, table } = createTable(dir, worker, config);
  let tls: TlsServer | undefined;
  const published = new CertificatesInService(dir, worker, log);
  let encrypted: EncryptedBackEnds | undefined;
  let speed: Speederizer | undefined;
  let changed: Mapping | undefined;
  let learning: Learning | undefined;
  const controlled = Mapping.create(`${dir}/${backEndControlFile(config)}`, BackEndControl.bytes(config));
  try {
    const secret = arraySecret(config, configFile);
    if (config.pools.some(({ persistence }) => persistence?.session_id?.mode === "learn")) {
      learning = new Learning({ dir, config, node, worker, secret: secret! });
    }
    tls = config.tls && openTls(config.tls, config.proxy.http2, configFile, dir, secret);
    encrypted = new EncryptedBackEnds(config, configFile, log);
    changed = config.speederize && Mapping.create(`${dir}/${CHANGES_FILE}`, Changes.BYTES);
    speed = changed && new Speederizer(config.speederize!, new Changes(changed.buffer));
    const address = listen ?? config.array.vip;
    const predecessor = takeOver ? new Predecessor(path) : undefined;
    const inherited = predecessor?.takeSockets() ?? [];
    const isAlone = !othersServe(dir);
    const place = (path: string) => besideConfig(configFile, path);
    const errorPages = readErrorPages(config, place);
    const logFile = config.access_log?.file;
    const openLog = logFile === undefined
      ? undefined
      : (loop: EventLoop) => new AccessLog(place(logFile), loop, table, log);
    const server = new Server({
      config,
      place: { nodes: servingNodes(config), nodeId: node.id, workers, worker },
      address,
      tls,
      encrypted,
      table,
      speed,
      inherited,
      isAlone,
      errorPages,
      openLog,
      secret,
      learning,
      control: new BackEndControl(controlled.buffer, config),
    });
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => server.stop());
    const port = new HandoverPort(path, server.loop, server);
    console.error(`serve: listening on ${server.addresses.join(", ")}`);
    if (tls && !tls.tickets) {
      console.error("serve: no array secret: TLS sessions resume only where they began; dlba init");
    }
    publish(tls, encrypted, published);
    announceReady();
    predecessor?.release();
    const renewal = setInterval(() => {
      renew(tls, encrypted!, published);
      learning?.lookForTables();
    }, RENEW_MS);
    const speedSide = speed && new ProxySide(speed, dir, log);
    await server.run();
    clearInterval(renewal);
    speedSide?.close();
    port.close();
  } finally {
    published.close();
    learning?.close();
    encrypted?.close();
    tls?.store.close();
    controlled.close();
    changed?.close();
    mapping.close();
  }
}

type TlsConfig = NonNullable<Config["tls"]>;

/**
 * As the config has them; which of them have failed the control process says. One that drains has its part: it still serves those that
 * came before.
 */
function servingNodes({ nodes }: Config) {
  return nodes.filter(({ enabled, weight }) => enabled && weight > 0);
}

/** Undefined where there is none and nothing needs it. Throws UsageError. */
function arraySecret(config: Config, configFile: string): ArraySecret | undefined {
  const file = besideConfig(configFile, `${config.array.secrets}/array.key`);
  const needs = config.pools.some(({ persistence }) =>
    persistence?.opaque || persistence?.session_id?.mode === "learn"
  );
  return needs || config.tls && existsSync(file) ? ArraySecret.load(file) : undefined;
}

function openTls(
  tls: TlsConfig,
  offersHttp2: boolean,
  configFile: string,
  dir: string,
  secret: ArraySecret | undefined,
): TlsServer {
  keepMemoryOutOfCoreDumps();
  const tickets = secret && new ArrayTicketKeys(secret, Date.now);
  const files = tls.certificates.map(({ cert, key, ocsp }) => ({
    cert: besideConfig(configFile, cert),
    key: isKeyUri(key) ? key : besideConfig(configFile, key),
    ocsp: ocsp === undefined || ocsp === FETCH ? ocsp : besideConfig(configFile, ocsp),
  }));
  const hasStaples = files.some(({ ocsp }) => ocsp !== undefined);
  const place = { pkcs11: tls.pkcs11, configFile, dir };
  const store = openStore(place, {
    files,
    policy: tls.policy,
    isStrict: tls.strict_sni,
    hasTicketKeys: tickets !== undefined,
    staples: hasStaples ? { cacheDir: `${dir}/ocsp`, now: Date.now, log } : undefined,
    clients: tls.client_ca === undefined ? undefined : {
      ca: besideConfig(configFile, tls.client_ca),
      crl: tls.client_crl === undefined ? undefined : besideConfig(configFile, tls.client_crl),
      isRequired: tls.client_auth === "required",
    },
  });
  return new TlsServer(store, tickets, log, undefined, offersHttp2);
}

function log(line: string): void {
  console.error(`serve: ${line}`);
}

interface TokenPlace {
  readonly pkcs11: TlsConfig["pkcs11"];
  readonly configFile: string;
  readonly dir: string;
}

/** With the token of the keys, where one is needed. */
function openStore({ pkcs11, configFile, dir }: TokenPlace, options: StoreOptions): CertificateStore {
  if (!pkcs11 || !options.files.some(({ key }) => isKeyUri(key))) return new CertificateStore(options);
  const pinFile = besideConfig(configFile, pkcs11.pin_file);
  const token = openToken(besideConfig(configFile, pkcs11.module), pinFile);
  return tryPinOnce(`${dir}/refused-pin`, pinFile, () => new CertificateStore({ ...options, token }));
}

/** Takes certificates into service whose files changed. */
function renew(tls: TlsServer | undefined, encrypted: EncryptedBackEnds, published: CertificatesInService): void {
  let isRenewed = encrypted.renew();
  try {
    if (tls?.store.renew()) {
      tls.log("new certificates are in service");
      isRenewed = true;
    }
  } catch (error) {
    log(`the certificates in service stay: ${error instanceof Error ? error.message : error}`);
  }
  if (isRenewed) publish(tls, encrypted, published);
  else published.remind(Date.now());
  tls?.store.lookAtStaples();
}

function publish(tls: TlsServer | undefined, encrypted: EncryptedBackEnds, published: CertificatesInService): void {
  const authorities = [...tls?.store.authorities ?? [], ...encrypted.authorities];
  published.publish(tls?.store.certificates ?? [], authorities, Date.now());
}
