/** A back end of HTTP/2 in the test's process: node:http2, in clear with prior knowledge or by TLS. */
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import type { AddressInfo } from "node:net";

export interface BackEndOptions {
  readonly settings?: Settings;
  /** PEM of its certificate and key, for TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export class Http2BackEnd {
  readonly sessions = new Set<ServerHttp2Session>();
  /** Connections so far. */
  accepted = 0;
  #server: Http2Server | Http2SecureServer;

  private constructor(server: Http2Server | Http2SecureServer) {
    this.#server = server;
  }

  static async start(answer: Answer, { settings = {}, tls }: BackEndOptions = {}): Promise<Http2BackEnd> {
    const server = tls ? createSecureServer({ ...tls, settings }) : createServer({ settings });
    const backEnd = new Http2BackEnd(server);
    server.on("session", (session: ServerHttp2Session) => {
      backEnd.accepted++;
      backEnd.sessions.add(session);
      session.on("close", () => backEnd.sessions.delete(session));
      session.on("error", () => {});
    });
    server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on("error", () => {});
      answer(stream, headers);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return backEnd;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.sessions) session.destroy();
    await closed;
  }
}
