/** Ours, rewriting, caching and plain, and nginx with sub_filter, before an origin of pages. */
import { dlbaCommand } from "../../../core/node/role.ts";
import { page } from "../../speederize/pages.ts";
import { cpuNanoseconds, freePorts, pinned, processTree, startPinned, stop, untilListening } from "../process.ts";

/** As in the other benches: the proxy has a core of its own, load and origin share the other. */
export const PROXY_CORE = 0;
const LOAD_CORE = 1;
const CONNECTIONS = 16;

/** A page of 1 MiB, as the issue says, and one as most are. */
export const PAGES = { "1MiB": 1_048_576, "20KB": 20_480 } as const;
export type PageName = keyof typeof PAGES;

export const SERVERS = ["rewriting", "caching", "plain", "sub_filter"] as const;
export type ServerName = typeof SERVERS[number];

/** How URLs that move stand in the pages: what one would write into nginx's config to get the same. */
const BEGINNINGS = [
  'src="/static/',
  "src='/static/",
  'srcset="/static/',
  ", /static/",
  'href="/static/',
  'poster="/static/',
  "url(/static/",
  'url("/static/',
  "url(&quot;/static/",
];

export class SpeederizeSetup {
  readonly ports = new Map<ServerName, number>();
  #trees = new Map<ServerName, number>();
  #children: Deno.ChildProcess[] = [];

  private constructor(readonly dir: string) {}

  static async with<T>(use: (setup: SpeederizeSetup) => Promise<T>): Promise<T> {
    const setup = new SpeederizeSetup(await Deno.makeTempDir({ prefix: "dlba-bench-" }));
    try {
      await setup.#start();
      return await use(setup);
    } finally {
      for (const child of setup.#children) await stop(child);
      await Deno.remove(setup.dir, { recursive: true });
    }
  }

  async #start(): Promise<void> {
    const { dir } = this;
    await Deno.chmod(dir, 0o755);
    for (const [name, bytes] of Object.entries(PAGES)) await Deno.writeTextFile(`${dir}/${name}`, page(1, bytes).html);
    const [origin] = freePorts(1);
    const nginx = (http: string, name: string) =>
      `worker_processes 1; daemon off; pid ${dir}/${name}.pid; error_log ${dir}/${name}.err;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; ${http} }
`;
    const files = `sendfile on; tcp_nopush on; open_file_cache max=10; server { listen 127.0.0.1:${origin}; root ${dir};
  default_type text/html; location /fresh/ { alias ${dir}/; add_header Cache-Control max-age=3600; } }`;
    await Deno.writeTextFile(`${dir}/origin.conf`, nginx(files, "origin"));
    await this.#spawn(LOAD_CORE, "origin", ["nginx", "-c", `${dir}/origin.conf`], origin!);
    for (const name of SERVERS) {
      const [port] = freePorts(1);
      this.ports.set(name, port!);
      const pid = name === "sub_filter"
        ? await this.#spawn(PROXY_CORE, name, await this.#nginx(nginx, name, port!, origin!), port!)
        : await this.#spawn(PROXY_CORE, name, await this.#dlba(name, port!, origin!), port!);
      this.#trees.set(name, pid);
    }
  }

  async #nginx(
    config: (http: string, name: string) => string,
    name: string,
    port: number,
    origin: number,
  ): Promise<string[]> {
    const moved = (text: string) => text.replace("/static/", "//cdn.example/static/");
    const filters = BEGINNINGS.map((text) =>
      `sub_filter '${text.replaceAll("'", "\\'")}' '${moved(text).replaceAll("'", "\\'")}';`
    );
    const http = `upstream u { server 127.0.0.1:${origin}; keepalive 64; keepalive_requests 100000000; }
server { listen 127.0.0.1:${port}; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; sub_filter_once off;
  sub_filter 'https://shop.example/static/' 'https://cdn.example/static/'; ${filters.join(" ")} } }`;
    await Deno.writeTextFile(`${this.dir}/${name}.conf`, config(http, name));
    return ["nginx", "-c", `${this.dir}/${name}.conf`];
  }

  async #dlba(name: "rewriting" | "caching" | "plain", port: number, origin: number): Promise<string[]> {
    const isPlain = name === "plain";
    const file = `${this.dir}/${name}.yaml`;
    await Deno.writeTextFile(
      file,
      `array: { name: bench, vip: 192.0.2.10, ports: { http: ${port} } }
nodes: [{ id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: lo }]
pools: [{ name: web, speederize: ${!isPlain}, back_ends: [{ key: 1, address: "127.0.0.1:${origin}" }] }]
${
        isPlain ? "" : `speederize:
  aliases: [shop.example]
  cdn: [{ paths: ["/static/*"], hosts: [cdn.example] }]
  cache: { max_bytes: ${name === "caching" ? 67_108_864 : 0} }
`
      }`,
    );
    const command = dlbaCommand(["serve", "--config", file, "--node", "a", "--listen", "127.0.0.1"]);
    return ["env", `DLBA_RUN_DIR=${this.dir}/run-${name}`, ...command];
  }

  async #spawn(core: number, name: string, command: readonly string[], port: number): Promise<number> {
    const log = `${this.dir}/${name}.log`;
    const child = startPinned(core, command, log);
    this.#children.push(child);
    const ended = child.status.then(({ code }) => {
      throw new Error(`${name} ended with ${code}: ${Deno.readTextFileSync(log).trim()}`);
    });
    await Promise.race([untilListening(port), ended]);
    return child.pid;
  }

  /** What a client gets. */
  async text(server: ServerName, path: string): Promise<string> {
    const client = Deno.createHttpClient({});
    try {
      return await (await fetch(`http://127.0.0.1:${this.ports.get(server)}/${path}`, { client })).text();
    } finally {
      client.close();
    }
  }

  /** CPU microseconds of the server a request, under as much load as it takes for so many seconds. */
  async cpuUs(server: ServerName, path: string, seconds: number): Promise<number> {
    const tree = processTree(this.#trees.get(server)!);
    const url = `http://127.0.0.1:${this.ports.get(server)}/${path}`;
    const [program, ...args] = pinned(LOAD_CORE, ["wrk", "-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, url]);
    const before = cpuNanoseconds(tree);
    const { stdout } = await new Deno.Command(program!, { args }).output();
    const after = cpuNanoseconds(tree);
    const text = new TextDecoder().decode(stdout);
    const requests = Number(/(\d+) requests in /.exec(text)?.[1] ?? 0);
    if (requests === 0 || /Non-2xx|Socket errors/.test(text)) throw new Error(`${server} failed under load: ${text}`);
    return (after - before) / requests / 1000;
  }
}
