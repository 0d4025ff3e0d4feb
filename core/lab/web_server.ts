/**
 * A small application server for the laboratory, run as a process of its own. It answers with one line of JSON that
 * says who answered and who asked, and it knows only the sessions that it began itself, as application servers do.
 *
 * - `/login` begins a session: `Set-Cookie: JSESSIONID=...`
 * - `/cart` needs a session of this server: 403 otherwise
 * - `/big` is 2 MiB
 * - anything else just answers
 */
import type { SocketAddress } from "../config/values.ts";

/** What the server says in each answer. */
export interface WebAnswer {
  /** The web server's name. */
  readonly web: string;
  /** Address of the peer that connected: the physical address of the DLBA server. */
  readonly peer: string;
  /** The Cookie field as the application saw it. */
  readonly cookie: string | null;
  /** The client as X-Forwarded-For and X-Forwarded-Proto give it. */
  readonly client: string | null;
  readonly proto: string | null;
}

export const BIG_BYTES = 2 * 1024 * 1024;

/** Serves until the process is ended. */
export async function runWebServer(name: string, listen: SocketAddress): Promise<void> {
  const sessions = new Set<string>();
  const big = new Uint8Array(BIG_BYTES);
  const server = Deno.serve(
    { hostname: listen.address, port: listen.port, onListen: () => console.log("ready") },
    (request, info) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/big") return new Response(big);
      const cookie = request.headers.get("cookie");
      const headers = new Headers({ "content-type": "application/json" });
      let status = 200;
      if (pathname === "/login") {
        const id = `${name}-${crypto.randomUUID()}`;
        sessions.add(id);
        headers.append("set-cookie", `JSESSIONID=${id}; Path=/; HttpOnly`);
      } else if (pathname === "/cart") {
        const id = /(?:^|; )JSESSIONID=([^;]*)/.exec(cookie ?? "")?.[1];
        if (!id || !sessions.has(id)) status = 403;
      }
      const answer: WebAnswer = {
        web: name,
        peer: info.remoteAddr.hostname,
        cookie,
        client: request.headers.get("x-forwarded-for"),
        proto: request.headers.get("x-forwarded-proto"),
      };
      return new Response(JSON.stringify(answer) + "\n", { status, headers });
    },
  );
  await server.finished;
}
