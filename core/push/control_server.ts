/**
 * The control channel of a node: HTTPS on its own address, TLS 1.3, with certificates of the array CA on both sides. Who shows none, or a
 * wrong one, is let through the handshake and refused before a byte of a body is read, so that the reason is known and logged; that he has
 * the key of his certificate is the handshake's business (RFC 8446 section 4.4.3).
 */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import https from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import type { AuditLog } from "./audit.ts";
import type { Caller } from "./control_app.ts";
import { type Peer, peerOf } from "./peer.ts";
import { Refusal } from "./refusal.ts";

/** Longest body, bytes: a version in JSON, where every character may be escaped. */
export const MAX_BODY_BYTES = 8 << 20;
/** Connections at a time: each node keeps one to each other, and some people theirs. */
const MAX_CONNECTIONS = 600;
/** Without a word for so long a connection ends, ms; a body has so long, too. */
const IDLE_MS = 30_000;

export interface ControlServerOptions {
  readonly address: string;
  readonly port: number;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  readonly app: { fetch(request: Request, caller: Caller): Response | Promise<Response> };
  readonly audit: AuditLog;
}

export class ControlServer {
  #options: ControlServerOptions;
  #authority: X509Certificate;
  #server: https.Server;

  constructor(options: ControlServerOptions) {
    this.#options = options;
    this.#authority = new X509Certificate(options.authority);
    const { certificate: cert, key, authority: ca } = options;
    const tls = { cert, key, ca, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3" } as const;
    this.#server = https.createServer(tls, (request, response) => void this.#serve(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(IDLE_MS, (socket) => socket.destroy());
    this.#server.requestTimeout = IDLE_MS;
    this.#server.on("tlsClientError", (error: Error & { code?: string }, socket: TLSSocket) => {
      this.#refused("connect", null, socket.remoteAddress, `the handshake failed: ${error.code ?? error.message}`);
      socket.destroy();
    });
    this.#server.on("clientError", (_error, socket) => socket.destroy());
    // Who wants to know first whether his body is welcome hears that with everybody else.
    this.#server.on("checkContinue", (request, response) => void this.#serve(request, response));
  }

  /** Resolves once it listens. Throws the system's error. */
  listen(): Promise<void> {
    const { address, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, address, () => resolve());
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = request.socket as TLSSocket;
    const from = socket.remoteAddress ?? "";
    const action = `${request.method} ${request.url}`.slice(0, 100);
    let peer: Peer | undefined;
    try {
      peer = this.#peer(socket);
      const body = await bodyOf(request);
      const asked = new Request(new URL(request.url ?? "/", "https://control"), {
        method: request.method ?? "GET",
        headers: fieldsOf(request),
        ...(body.length > 0 ? { body } : {}),
      });
      const answer = await this.#options.app.fetch(asked, { peer, from });
      send(response, answer.status, new Uint8Array(await answer.arrayBuffer()));
    } catch (error) {
      const isRefusal = error instanceof Refusal;
      const reason = isRefusal ? error.message : "it failed here";
      if (isRefusal) this.#refused(action, peer?.name ?? null, from, reason);
      else console.error(`control channel: ${error instanceof Error ? error.stack : error}`);
      send(response, isRefusal ? error.status : 500, new TextEncoder().encode(JSON.stringify({ error: reason })), true);
    }
  }

  /** Who speaks on the connection. Throws {@linkcode Refusal}. */
  #peer(socket: TLSSocket): Peer {
    const { raw } = socket.getPeerCertificate() as { raw?: Uint8Array };
    const peer = peerOf(raw, this.#authority, Date.now());
    // Both must agree.
    if (!socket.authorized) throw new Refusal(403, `a certificate that is not in order: ${socket.authorizationError}`);
    return peer;
  }

  #refused(action: string, who: string | null, from: string | undefined, detail: string): void {
    this.#options.audit.write({ action, outcome: "refused", who, from: from ?? null, detail });
  }
}

function fieldsOf(request: IncomingMessage): Headers {
  const fields = new Headers();
  const { rawHeaders } = request;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) fields.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  return fields;
}

/** Throws {@linkcode Refusal} where it is too long, before more of it is taken. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const tooLong = () => new Refusal(413, `a body of more than ${MAX_BODY_BYTES} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) throw tooLong();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > MAX_BODY_BYTES) throw tooLong();
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

/** @param last the connection ends after it: what else comes on it is not wanted */
function send(response: ServerResponse, status: number, body: Uint8Array, last = false): void {
  if (response.destroyed) return;
  const fields = { "content-type": "application/json", "content-length": body.length };
  response.writeHead(status, last ? { ...fields, connection: "close" } : fields);
  response.end(body, () => last && response.socket?.destroySoon());
}
