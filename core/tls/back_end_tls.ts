/** TLS to back ends: each with its name, its session to be resumed, and a log of what failed. */
import { TlsClientContext, TlsPeer } from "../../ffi/tls_client.ts";
import { TlsSession } from "../../ffi/tls_session.ts";
import { besideConfig } from "../config/paths.ts";
import type { BackEndConfig, Config } from "../config/schema.ts";
import { FailureLog } from "./failure_log.ts";
import { TlsStream } from "./tls_stream.ts";

/** Failed handshakes with a back end that are logged in a span: as long as it fails it is tried every other second. */
const LOGGED = 1;
const SPAN_MS = 10_000;

export class BackEndTls {
  #peer: TlsPeer;
  #failures: FailureLog;

  /** @param whom as "10.0.0.21:8443", for the log */
  constructor(context: TlsClientContext, name: string | undefined, readonly whom: string, log: (line: string) => void) {
    this.#peer = new TlsPeer(context, name);
    this.#failures = new FailureLog(log, `TLS handshakes with the back end ${whom}`, LOGGED, SPAN_MS);
  }

  /** The connection of a descriptor that connects to the back end. */
  stream(fd: number): TlsStream {
    return new TlsStream(fd, new TlsSession(this.#peer, fd, this.#peer), (why) => {
      this.#peer.forgetSession();
      this.#failures.add(`TLS handshake with the back end ${this.whom} failed: ${why}`);
    });
  }

  close(): void {
    this.#peer.forgetSession();
  }
}

/** The back ends of a config that are spoken to by TLS. */
export class EncryptedBackEnds {
  #contexts: TlsClientContext[] = [];
  #byConfig = new Map<BackEndConfig, BackEndTls>();

  /** Throws UsageError, with nothing left open, naming the file that cannot be used. */
  constructor(config: Config, configFile: string, log: (line: string) => void) {
    try {
      for (const { tls, back_ends } of config.pools) {
        if (!tls) continue;
        const ca = tls.ca === undefined ? undefined : besideConfig(configFile, tls.ca);
        const context = new TlsClientContext({ ca, verify: tls.verify });
        this.#contexts.push(context);
        for (const backEnd of back_ends) {
          const { address, port } = backEnd.address;
          this.#byConfig.set(backEnd, new BackEndTls(context, tls.server_name, `${address}:${port}`, log));
        }
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Undefined where it is spoken to in clear. */
  of(backEnd: BackEndConfig): BackEndTls | undefined {
    return this.#byConfig.get(backEnd);
  }

  /** To be called once every connection is closed. */
  close(): void {
    for (const backEnd of this.#byConfig.values()) backEnd.close();
    for (const context of this.#contexts) context.close();
  }
}
