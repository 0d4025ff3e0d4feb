/** What every client connection of a server shares. */
import type { Config } from "../config/schema.ts";
import type { AccessLog } from "./access_log/access_log.ts";
import type { Dispatcher } from "./app.ts";
import type { BackEndTable } from "./back_end_table.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { IdentityRules } from "./client_identity.ts";
import type { ErrorPage } from "./error_pages.ts";
import type { AbuseCounts } from "./http2/abuse.ts";
import type { EventLoop } from "./loop.ts";
import type { PendingHandshakes } from "./pending_handshakes.ts";
import type { RateLimiter } from "./rate_limiter.ts";
import type { RequestIds } from "./request_ids.ts";

/** What follows the config: another one takes its place while connections stay. */
export interface Settings {
  readonly limits: Config["proxy"];
  readonly dispatcher: Dispatcher;
  /** Fields of ours in every response over TLS, each with its CR LF. */
  readonly tlsLines: string;
  /** Clients are asked for certificates. */
  readonly asksForCertificates: boolean;
  /** Port of HTTPS where plain HTTP is only told of it. */
  readonly redirectPort: number | undefined;
  readonly log: AccessLog | null;
  readonly requestIds: RequestIds | null;
  readonly errorPages: ReadonlyMap<number, ErrorPage>;
  /** Null where no proxy before us is believed. */
  readonly identityRules: IdentityRules | null;
  readonly limiter: RateLimiter | null;
}

type Changing = { -readonly [Key in keyof Settings]: Settings[Key] };

/** One object as long as the server runs. */
export interface ClientContext extends Changing {
  readonly loop: EventLoop;
  readonly table: BackEndTable;
  readonly clients: Set<ClientConnection>;
  readonly mostClients: number;
  /** Of TLS connections. */
  readonly handshakes: PendingHandshakes;
  /** HTTP/2 clients that went too far. */
  readonly abuse: AbuseCounts;
  /** True while the server takes no more requests. */
  isStopping: boolean;
}
