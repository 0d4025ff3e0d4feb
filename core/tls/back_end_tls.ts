/** TLS to back ends: each with its name, its session to be resumed, and a log of what failed. */
import { isDeepStrictEqual } from "node:util";
import { TlsClientContext, type TlsClientOptions, TlsPeer } from "../../ffi/tls_client.ts";
import { TlsSession } from "../../ffi/tls_session.ts";
import { besideConfig } from "../config/paths.ts";
import type { BackEndConfig, Config, PoolConfig } from "../config/schema.ts";
import { FailureLog } from "./failure_log.ts";
import { stateOf } from "./file_state.ts";
import { TlsStream } from "./tls_stream.ts";

/** Failed handshakes with a back end that are logged in a span: as long as it fails it is tried every other second. */
const LOGGED = 1;
const SPAN_MS = 10_000;

export class BackEndTls {
  #peer: TlsPeer;
  #failures: FailureLog;

  /**
   * @param whom as "10.0.0.21:8443", for the log
   * @param wantsHttp2 who does not agree on it by ALPN is no use
   */
  constructor(
    context: TlsClientContext,
    readonly name: string | undefined,
    readonly whom: string,
    log: (line: string) => void,
    readonly wantsHttp2 = false,
  ) {
    this.#peer = new TlsPeer(context, name);
    this.#failures = new FailureLog(log, `TLS handshakes with the back end ${whom}`, LOGGED, SPAN_MS);
  }

  /** The connection of a descriptor that connects to the back end. */
  stream(fd: number): TlsStream {
    const stream = new TlsStream(fd, new TlsSession(this.#peer, fd, this.#peer), (why) => {
      this.#peer.forgetSession();
      this.#failures.add(`TLS handshake with the back end ${this.whom} failed: ${why}`);
    });
    stream.needsHttp2 = this.wantsHttp2;
    return stream;
  }

  /** From the next connection on others are trusted. */
  renew(context: TlsClientContext): void {
    this.#peer.close();
    this.#peer = new TlsPeer(context, this.name);
  }

  close(): void {
    this.#peer.close();
  }
}

type PoolTls = Pick<PoolConfig, "tls" | "protocol">;

/** The back ends of a pool. */
class EncryptedPool {
  /** By their addresses; those that left stay, for they may come back. */
  #backEnds = new Map<string, BackEndTls>();
  #context: TlsClientContext;
  #seen: string;
  #pem = "";

  constructor(readonly options: TlsClientOptions, readonly pool: PoolTls, readonly log: (line: string) => void) {
    this.#seen = stateOf(options.ca ?? "");
    this.#context = this.#trust();
  }

  of({ address: { address, port } }: BackEndConfig): BackEndTls {
    const whom = `${address}:${port}`;
    let backEnd = this.#backEnds.get(whom);
    if (backEnd === undefined) {
      const { tls, protocol } = this.pool;
      backEnd = new BackEndTls(this.#context, tls?.server_name, whom, this.log, protocol === "h2");
      this.#backEnds.set(whom, backEnd);
    }
    return backEnd;
  }

  #trust(): TlsClientContext {
    const { ca } = this.options;
    const context = new TlsClientContext(this.options);
    if (ca !== undefined) this.#pem = Deno.readTextFileSync(ca);
    return context;
  }

  /** The CA certificates in service; undefined where they are the system's. */
  get authorities(): { readonly ca: string; readonly pem: string } | undefined {
    const { ca } = this.options;
    return ca === undefined ? undefined : { ca, pem: this.#pem };
  }

  /** True when the file of CA certificates had changed. Throws UsageError when it cannot be used: the old ones stay. */
  renew(): boolean {
    const seen = stateOf(this.options.ca ?? "");
    if (seen === this.#seen) return false;
    this.#seen = seen;
    const context = this.#trust();
    for (const backEnd of this.#backEnds.values()) backEnd.renew(context);
    this.#context.close();
    this.#context = context;
    return true;
  }

  close(): void {
    for (const backEnd of this.#backEnds.values()) backEnd.close();
    this.#context.close();
  }
}

/** The back ends of a config that are spoken to by TLS. */
export class EncryptedBackEnds {
  #pools = new Map<string, EncryptedPool>();
  /** Of configs before: requests that began by them may still connect. */
  #former: readonly EncryptedPool[];

  /**
   * @param before of another config: pools whose TLS settings are the same are taken over
   * Throws UsageError, with nothing new left open, naming the file that cannot be used.
   */
  constructor(config: Config, configFile: string, readonly log: (line: string) => void, before?: EncryptedBackEnds) {
    const known = before ? before.#pools : new Map<string, EncryptedPool>();
    const opened: EncryptedPool[] = [];
    try {
      for (const { name, tls, protocol } of config.pools) {
        if (!tls) continue;
        const { ca, verify } = tls;
        const file = ca === undefined ? undefined : besideConfig(configFile, ca);
        const options = { ca: file, verify, http2: protocol === "h2" };
        let pool = known.get(name);
        if (pool === undefined || !isDeepStrictEqual(pool.pool, { tls, protocol })) {
          pool = new EncryptedPool(options, { tls, protocol }, log);
          opened.push(pool);
        }
        this.#pools.set(name, pool);
      }
    } catch (error) {
      for (const pool of opened) pool.close();
      throw error;
    }
    const kept = new Set(this.#pools.values());
    this.#former = before ? [...before.#former, ...known.values()].filter((pool) => !kept.has(pool)) : [];
  }

  /** Undefined where it is spoken to in clear. */
  of(pool: string, backEnd: BackEndConfig): BackEndTls | undefined {
    return this.#pools.get(pool)?.of(backEnd);
  }

  /** Those of all pools, a file as often as it is named. */
  get authorities(): { readonly ca: string; readonly pem: string }[] {
    return [...this.#pools.values()].flatMap(({ authorities }) => authorities ?? []);
  }

  /** Takes CA certificates into service whose file changed, and says whether any did; connections that are open stay. */
  renew(): boolean {
    let isRenewed = false;
    for (const pool of this.#pools.values()) {
      try {
        if (!pool.renew()) continue;
        isRenewed = true;
        this.log(`${pool.options.ca}: new CA certificates are in service`);
      } catch (error) {
        this.log(`the CA certificates in service stay: ${error instanceof Error ? error.message : error}`);
      }
    }
    return isRenewed;
  }

  /** To be called once every connection is closed. */
  close(): void {
    for (const pool of [...this.#former, ...this.#pools.values()]) pool.close();
  }
}
