/**
 * Users of an array of two nodes whose back ends refuse every session that they did not begin: requests go to the nodes in turn, over HTTP and
 * HTTPS, from changing addresses. A refusal is a stray.
 */
import http from "node:http";
import https from "node:https";
import { TwoNodes } from "./two_nodes.ts";

const BACK_ENDS = 3;
/** Requests of a session after the one that begins it: each node by each protocol. */
const REQUESTS = 4;
/** Sessions at a time. */
const AT_A_TIME = 16;
/** Addresses of loopback that clients have. */
const ADDRESSES = Array.from({ length: 5 }, (_, i) => `127.0.1.${i + 1}`);

export interface Mode {
  readonly name: string;
  /** Of the pool. */
  readonly persistence: string;
  /** Clients give back only the application's cookie, as one that came by another host or an API client does. */
  readonly dropsOurs?: boolean;
  /** The id comes back in the URL. */
  readonly inUrl?: "path" | "query";
  /** The back end begins a session by sending the client to a URL with its id, and sets no cookie. */
  readonly byLocation?: boolean;
  /** The back end puts its name behind the id. */
  readonly namesRoute?: boolean;
  /** Clients make the ids. */
  readonly isClients?: boolean;
}

const URL_PLACES = "path_parameter: jsessionid, query_parameter: sid";

export const MODES: readonly Mode[] = [
  { name: "cookie", persistence: "" },
  { name: "opaque", persistence: ", opaque: true" },
  { name: "route", persistence: ", session_id: { mode: route }", dropsOurs: true, namesRoute: true },
  {
    name: "route_in_path",
    persistence: `, session_id: { mode: route, ${URL_PLACES} }`,
    dropsOurs: true,
    namesRoute: true,
    inUrl: "path",
  },
  { name: "route_added", persistence: ", session_id: { mode: route, adds_route: true }", dropsOurs: true },
  {
    name: "route_added_in_path",
    persistence: `, session_id: { mode: route, adds_route: true, ${URL_PLACES} }`,
    inUrl: "path",
    byLocation: true,
  },
  { name: "learn", persistence: ", session_id: { mode: learn }", dropsOurs: true },
  {
    name: "learn_in_query",
    persistence: `, session_id: { mode: learn, ${URL_PLACES} }`,
    inUrl: "query",
    byLocation: true,
  },
  { name: "hash", persistence: ", session_id: { mode: hash }", dropsOurs: true, isClients: true },
];

export interface Counted {
  readonly sessions: number;
  readonly requests: number;
  readonly strays: number;
}

export async function countStrays(mode: Mode, sessions: number): Promise<Counted> {
  const application = new Application(mode);
  const nodes = await TwoNodes.start(
    `, persistence: { session_cookies: [sid]${mode.persistence} }`,
    application.servers.map((server, i) =>
      `{ key: ${i + 1}, route: r${i + 1}, address: "127.0.0.1:${server.addr.port}" }`
    ),
  );
  const users = new Users(mode, nodes);
  try {
    let next = 0;
    const work = async () => {
      while (next < sessions) await users.visit(next++);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
  } finally {
    await users.close();
    await nodes.stop();
    await application.stop();
  }
  return { sessions, requests: users.requests, strays: users.strays };
}

/** Back ends, each with the sessions that it began. */
class Application {
  readonly servers: Deno.HttpServer<Deno.NetAddr>[];
  /** Who began a session whose id a client made. */
  #begun = new Map<string, number>();

  constructor(readonly mode: Mode) {
    this.servers = Array.from({ length: BACK_ENDS }, (_, i) => {
      const own = new Set<string>();
      const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
      return Deno.serve(options, (request) => this.#answer(i + 1, own, request));
    });
  }

  #answer(number: number, own: Set<string>, request: Request): Response {
    const url = new URL(request.url);
    const id = /(?:^|; )sid=([^;]*)/.exec(request.headers.get("cookie") ?? "")?.[1] ??
      /;jsessionid=([^/;]*)/.exec(url.pathname)?.[1] ?? url.searchParams.get("sid") ?? undefined;
    if (this.mode.isClients) {
      if (!this.#begun.has(id!)) this.#begun.set(id!, number);
      return new Response(null, { status: this.#begun.get(id!) === number ? 200 : 403 });
    }
    if (id !== undefined) return new Response(null, { status: own.has(id) ? 200 : 403 });
    const made = crypto.randomUUID() + (this.mode.namesRoute ? `.r${number}` : "");
    own.add(made);
    if (this.mode.byLocation) {
      return new Response(null, { status: 302, headers: { location: targetWith(made, this.mode.inUrl!) } });
    }
    return new Response(null, { headers: { "set-cookie": `sid=${made}; Path=/; HttpOnly` } });
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.shutdown()));
  }
}

function targetWith(id: string, place: "path" | "query"): string {
  return place === "path" ? `/item;jsessionid=${id}/x?y=1` : `/item?y=1&sid=${id}`;
}

interface Answer {
  readonly status: number;
  readonly setCookies: readonly string[];
  readonly location: string | undefined;
}

class Users {
  requests = 0;
  strays = 0;
  /** By protocol, node and address. */
  #agents = new Map<string, http.Agent>();

  constructor(readonly mode: Mode, readonly nodes: TwoNodes) {}

  /** A user comes, and comes again. */
  async visit(session: number): Promise<void> {
    const { mode } = this;
    let cookies = mode.isClients ? [`sid=user${session}`] : [];
    let target = `/start/${session}`;
    for (let turn = 0; turn <= REQUESTS; turn++) {
      const { status, setCookies, location } = await this.#ask(session + turn, target, cookies.join("; "));
      this.requests++;
      if (status === 403) this.strays++;
      else if (status !== (turn === 0 && mode.byLocation ? 302 : 200)) {
        throw new Error(`${target} was answered by ${status}`);
      }
      if (turn > 0 || mode.isClients) continue;
      cookies = setCookies.map((value) => value.split(";")[0]!).filter((pair) =>
        !mode.dropsOurs || pair.startsWith("sid=")
      );
      if (mode.inUrl === undefined) continue;
      target = location ?? targetWith(cookies.find((pair) => pair.startsWith("sid="))!.slice(4), mode.inUrl);
      cookies = [];
    }
  }

  #ask(turn: number, path: string, cookie: string): Promise<Answer> {
    const isTls = (turn >> 1) % 2 === 1;
    const host = this.nodes.addresses[turn % 2]!;
    const localAddress = ADDRESSES[turn % ADDRESSES.length]!;
    const place = `${isTls} ${host} ${localAddress}`;
    const module = isTls ? https : http;
    let agent = this.#agents.get(place);
    if (!agent) this.#agents.set(place, agent = new module.Agent({ keepAlive: true }));
    const headers = cookie === "" ? {} : { cookie };
    const port = isTls ? this.nodes.https : this.nodes.http;
    const options = { host, port, path, localAddress, agent, headers, rejectUnauthorized: false };
    return new Promise((resolve, reject) => {
      const request = module.request(options, (response) => {
        response.resume();
        const { statusCode, headers: { "set-cookie": setCookies = [], location } } = response;
        response.on("end", () => resolve({ status: statusCode!, setCookies, location }));
      });
      request.on("error", reject);
      request.end();
    });
  }

  /** Resolves once every socket is closed. */
  async close(): Promise<void> {
    const sockets = [...this.#agents.values()].flatMap((agent) => Object.values(agent.freeSockets).flat());
    const closed = sockets.map((socket) => new Promise((resolve) => socket!.once("close", resolve)));
    for (const agent of this.#agents.values()) agent.destroy();
    await Promise.all(closed);
  }
}
