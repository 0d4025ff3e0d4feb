/** The proxies of the bench, each at equal work: keep-alive on both sides, a persistence cookie, X-Forwarded-For. */
import { dlbaCommand } from "../../../core/node/role.ts";
import { processTree, startPinned, stop, untilListening } from "../process.ts";

/** The proxy under test has a core of its own; load and back ends share the other. */
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;
const BACK_END_PORTS = [19101, 19102, 19103];
const PORTS = { ours: 19180, haproxy: 19181, nginx: 19182 } as const;

export type ProxyName = keyof typeof PORTS;
export const PROXIES = Object.keys(PORTS) as ProxyName[];

export interface Proxy {
  readonly name: ProxyName;
  readonly port: number;
  /** Its processes. */
  readonly tree: readonly number[];
}

export class HttpSetup {
  #children: Deno.ChildProcess[] = [];

  private constructor(readonly dir: string) {}

  static async start(sizes: Readonly<Record<string, number>>): Promise<HttpSetup> {
    const setup = new HttpSetup(await Deno.makeTempDir({ prefix: "dlba-bench-" }));
    for (const [name, bytes] of Object.entries(sizes)) {
      await Deno.writeFile(`${setup.dir}/${name}`, new Uint8Array(bytes).fill(120));
    }
    // The servers' workers run as another user.
    await Deno.chmod(setup.dir, 0o755);
    try {
      await setup.#backEnds();
      await setup.#peers();
      await setup.#ours();
    } catch (error) {
      await setup.stop();
      throw error;
    }
    return setup;
  }

  readonly proxies: Proxy[] = [];

  async #spawn(core: number, name: string, command: readonly string[], port: number): Promise<void> {
    const child = startPinned(core, command, `${this.dir}/${name}.log`);
    this.#children.push(child);
    await untilListening(port);
    if (name in PORTS) this.proxies.push({ name: name as ProxyName, port, tree: processTree(child.pid) });
  }

  async #write(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(`${this.dir}/${name}`, text);
    return `${this.dir}/${name}`;
  }

  async #backEnds(): Promise<void> {
    const config = await this.#write(
      "back_end.conf",
      `worker_processes 1; daemon off; pid ${this.dir}/back_end.pid; error_log ${this.dir}/back_end.err;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 300; sendfile on; tcp_nopush on; open_file_cache max=10;
server { ${BACK_END_PORTS.map((port) => `listen 127.0.0.1:${port};`).join(" ")}
  add_header Set-Cookie "JSESSIONID=0123456789abcdef; Path=/; HttpOnly";
  location / { root ${this.dir}; default_type text/plain; } } }
`,
    );
    await this.#spawn(LOAD_CORE, "back_end", ["nginx", "-c", config], BACK_END_PORTS[0]!);
  }

  async #peers(): Promise<void> {
    const haproxy = await this.#write(
      "haproxy.cfg",
      `global
  nbthread 1
  maxconn 8500
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:${PORTS.haproxy}
  default_backend b
backend b
  balance roundrobin
  cookie SpServer insert indirect
  option forwardfor
  http-reuse always
${BACK_END_PORTS.map((port, i) => `  server s${i} 127.0.0.1:${port} cookie ${i + 1}`).join("\n")}
`,
    );
    await this.#spawn(PROXY_CORE, "haproxy", ["haproxy", "-db", "-f", haproxy], PORTS.haproxy);
    const nginx = await this.#write(
      "nginx.conf",
      `worker_processes 1; daemon off; pid ${this.dir}/nginx.pid; error_log ${this.dir}/nginx.err;
events { worker_connections 10000; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 60;
map $upstream_addr $key { ${BACK_END_PORTS.map((port, i) => `127.0.0.1:${port} ${i + 1};`).join(" ")} }
upstream u { ${
        BACK_END_PORTS.map((port) => `server 127.0.0.1:${port};`).join(" ")
      } keepalive 512; keepalive_requests 100000000; }
server { listen 127.0.0.1:${PORTS.nginx};
  location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
    add_header Set-Cookie "SpServer=$key; Path=/; HttpOnly"; } } }
`,
    );
    await this.#spawn(PROXY_CORE, "nginx", ["nginx", "-c", nginx], PORTS.nginx);
  }

  async #ours(): Promise<void> {
    const backEnds = BACK_END_PORTS.map((port, i) => `{ key: ${i + 1}, address: "127.0.0.1:${port}" }`);
    const config = await this.#write(
      "dlba.yaml",
      `array: { name: bench, vip: 192.0.2.10, ports: { http: ${PORTS.ours} } }
nodes: [{ id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: lo }]
pools: [{ name: web, persistence: { session_cookies: [JSESSIONID] }, back_ends: [${backEnds.join(", ")}] }]
`,
    );
    Deno.env.set("DLBA_RUN_DIR", `${this.dir}/run`);
    const command = dlbaCommand(["serve", "--config", config, "--node", "a", "--listen", "127.0.0.1"]);
    await this.#spawn(PROXY_CORE, "ours", command, PORTS.ours);
  }

  async stop(): Promise<void> {
    for (const child of this.#children.reverse()) await stop(child);
    await Deno.remove(this.dir, { recursive: true });
  }
}
