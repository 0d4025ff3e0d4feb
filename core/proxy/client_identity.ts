/** What back ends are told of a client: by fields that a client cannot forge, see field_names.ts. RFC 7239. */
import type { PeerCertificate } from "../../ffi/tls_peer_certificate.ts";
import type { Config } from "../config/schema.ts";
import { isIp } from "../config/values.ts";
import { FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO } from "./field_names.ts";
import { Networks } from "./networks.ts";
import { trimWhitespace } from "./http1/whitespace.ts";
import type { Endpoint } from "./proxy_header.ts";

const NO_CERTIFICATE = "x-client-cert-verify: NONE\r\n";

/** Whom we believe, and what we say. */
export class IdentityRules {
  readonly trusted: Networks;
  readonly says: { readonly host: boolean; readonly forwarded: boolean };

  constructor({ trusted, host, forwarded }: NonNullable<Config["client_identity"]>) {
    this.trusted = new Networks(trusted);
    this.says = { host, forwarded };
  }
}

/** What a request says of who sent it. */
interface Claims {
  readonly host: string;
  readonly forwarded: ReadonlyMap<number, string> | null;
}

export class ClientIdentity {
  /** Field lines for back ends, each with its CR LF, where no request changes them. */
  lines: string;
  /** It showed a certificate of those who may sign. */
  hasCertificate = false;
  /** It is a proxy that is believed. */
  readonly isTrusted: boolean;
  /** Where the request came from: the peer, or whom trusted proxies name. */
  client: string;
  #certificateLines = "";

  /**
   * @param areAsked whether clients are asked for certificates by TLS
   * @param rules null where nobody is believed and the least is said
   */
  constructor(
    readonly from: Endpoint,
    readonly to: Endpoint,
    readonly isTls: boolean,
    areAsked: boolean,
    readonly rules: IdentityRules | null,
  ) {
    const peer = this.client = from.address;
    this.isTrusted = rules !== null && rules.trusted.has(peer);
    if (areAsked) this.#certificateLines = NO_CERTIFICATE;
    this.lines = this.#linesOf(peer, this.#protocol) + this.#certificateLines;
  }

  /** Its address. */
  get peer(): string {
    return this.from.address;
  }

  get #protocol(): string {
    return this.isTls ? "https" : "http";
  }

  #linesOf(chain: string, protocol: string): string {
    return `x-forwarded-for: ${chain}\r\nx-forwarded-proto: ${protocol}\r\n`;
  }

  /** Its certificate was verified. */
  identify({ subject, fingerprint }: PeerCertificate): void {
    this.hasCertificate = true;
    this.lines = this.lines.replace(NO_CERTIFICATE, "");
    this.#certificateLines = `x-client-cert-subject: ${subject}\r\nx-client-cert-fingerprint: ${fingerprint}\r\n` +
      "x-client-cert-verify: SUCCESS\r\n";
    this.lines += this.#certificateLines;
  }

  /** For a request beside others of the same connection: each may have a {@linkcode client} of its own. */
  forStream(): ClientIdentity {
    if (!this.isTrusted) return this;
    const { from, to, isTls, rules } = this;
    const copy = new ClientIdentity(from, to, isTls, false, rules);
    copy.hasCertificate = this.hasCertificate;
    copy.lines = this.lines;
    copy.#certificateLines = this.#certificateLines;
    return copy;
  }

  /** The lines for a request; says too who its {@linkcode client} is. */
  linesFor(request: Claims): string {
    const { rules } = this;
    if (rules === null) return this.lines;
    const said = this.isTrusted ? request.forwarded : null;
    const chain = said?.get(FORWARDED_FOR);
    this.client = chain === undefined ? this.peer : nearest(chain, rules.trusted, this.peer);
    const saidProtocol = said?.get(FORWARDED_PROTO)?.toLowerCase();
    const protocol = saidProtocol === "http" || saidProtocol === "https" ? saidProtocol : this.#protocol;
    let lines = this.#linesOf(chain === undefined ? this.peer : `${chain}, ${this.peer}`, protocol);
    if (rules.says.host) lines += `x-forwarded-host: ${said?.get(FORWARDED_HOST) ?? request.host}\r\n`;
    if (rules.says.forwarded) {
      const before = said?.get(FORWARDED);
      const own = `for=${node(this.peer)};host="${request.host}";proto=${this.#protocol}`;
      lines += `forwarded: ${before === undefined ? own : `${before}, ${own}`}\r\n`;
    }
    return lines + this.#certificateLines;
  }
}

/** RFC 7239 section 6: an IPv6 address stands in brackets and quotes. */
function node(address: string): string {
  return address.includes(":") ? `"[${address}]"` : address;
}

/** The last address of the chain that is no trusted proxy's: what stands before it anybody may have written. */
function nearest(chain: string, trusted: Networks, peer: string): string {
  let client = peer;
  for (const entry of chain.split(",").reverse()) {
    const address = trimWhitespace(entry);
    if (!isIp(address)) return client;
    client = address;
    if (!trusted.has(address)) return client;
  }
  return client;
}
