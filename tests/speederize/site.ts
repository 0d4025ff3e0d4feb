/** A back end of the test, and its pages through `dlba serve`. */
import { delay } from "../../core/delay.ts";
import { type ServeProcess, withServe } from "../proxy/harness.ts";

export interface Site {
  /** Asks the proxy. */
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Of the proxy, for HTTP. */
  readonly port: number;
  /** Folder of the config, and the run folder of the node. */
  readonly dir: string;
  readonly runDir: string;
  /** Head fields of the requests that reached the back end. */
  readonly requests: Headers[];
}

/** Pages by path: what the back end answers. */
export type Pages = Readonly<Record<string, (request: Request) => Response | Promise<Response>>>;

/** @param section keys of `speederize` beside `cdn`, as YAML */
export async function withSite(
  pages: Pages,
  section: string,
  work: (site: Site, serve: ServeProcess) => Promise<void>,
  cdn = CDN,
): Promise<void> {
  const requests: Headers[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(new Headers(request.headers));
    const page = pages[new URL(request.url).pathname];
    return page ? page(request) : new Response("none", { status: 404 });
  });
  const backEnd = { port: server.addr.port, close: () => server.shutdown() };
  const config = `proxy: { http2_cleartext: true }\nspeederize:\n  cdn: [${cdn}]\n${
    section.split("\n").map((line) => `  ${line}`).join("\n")
  }`;
  await withServe([backEnd], { pool: ", speederize: true", config }, async (serve) => {
    // Its connections must end before the process is looked at.
    const client = Deno.createHttpClient({});
    const get = (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${serve.http}${path}`, { ...init, client });
    try {
      await work({ get, requests, port: serve.http, dir: serve.dir, runDir: `${serve.dir}/run/test/a` }, serve);
    } finally {
      client.close();
    }
  });
}

const CDN = `{ paths: ["/static/*"], hosts: [cdn.example] }`;

export function html(body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { headers: { "content-type": "text/html; charset=utf-8", ...headers } });
}

/** Resolves once it is so; throws after `ms`. */
export async function until(isSo: () => Promise<boolean>, ms = 20_000): Promise<void> {
  const end = performance.now() + ms;
  while (!await isSo()) {
    if (performance.now() > end) throw new Error(`It was not so within ${ms} ms`);
    await delay(20);
  }
}
