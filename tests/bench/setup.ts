/** The proxies of the bench and the back ends behind them. */
import { dlbaCommand } from "../../core/node/role.ts";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { type CertificateFiles, type KeyType, makeCertificate } from "./certificate.ts";
import { freePorts, processTree, startPinned, stop, untilListening } from "./process.ts";
import { dlbaConfig, haproxyConfig, manyRoutes, nginxConfig, originConfig } from "./configs.ts";
import type { Target } from "./load/client.ts";

/** The proxy under test has a core of its own; load and back ends share the other. */
const PROXY_CORE = 0;
export const LOAD_CORE = 1;
const ORIGINS = 3;
/** Runs in our process before `dlba serve`: tells what the heap holds. */
const HEAP_HOOK = new URL("heap_hook.ts", import.meta.url).pathname;

/** Sizes of the answers, by path. */
export const SIZES = { "100B": 100, "10KB": 10_240, "1MiB": 1_048_576 } as const;
export type Size = keyof typeof SIZES;

export const PROXIES = ["ours", "haproxy", "nginx"] as const;
/** The peers as one would set them up for large bodies: HAProxy with splice(2), nginx with larger buffers. */
export const TUNED_PEERS = ["haproxy_tuned", "nginx_tuned"] as const;
/** Ours with an access log, 1,000 routes and ids of requests. */
export const FULL_CONFIG = "ours_full";
export type ProxyName = typeof PROXIES[number] | typeof TUNED_PEERS[number] | typeof FULL_CONFIG;

/** Connections under light and under heavy load. */
export const FEW = 32;
export const MANY = 256;

export class Proxy {
  constructor(
    readonly name: ProxyName,
    readonly target: Target,
    readonly pid: number,
    readonly logFile: string,
  ) {}

  get port(): number {
    return this.target.port;
  }

  /** RFC 6454. */
  get origin(): string {
    return `${this.target.isTls ? "https" : "http"}://127.0.0.1:${this.port}`;
  }

  /** Its processes now: some start their workers only after they listen. */
  get tree(): number[] {
    return processTree(this.pid);
  }
}

export interface SetupOptions {
  readonly proxies: readonly ProxyName[];
  /** They serve HTTPS with a certificate of this kind. */
  readonly tls?: KeyType | undefined;
  /** They speak HTTP/2 with prior knowledge, in clear. */
  readonly http2?: boolean;
  /** Ours with the heap hook. */
  readonly heapHook?: boolean;
}

export class ProxySetup {
  readonly proxies: Proxy[] = [];
  #children: Deno.ChildProcess[] = [];
  #origins = freePorts(ORIGINS);
  /** How often {@linkcode answered} asked. */
  #asked = 0;

  private constructor(readonly dir: string) {}

  static async start({ proxies, tls, heapHook = false, http2 = false }: SetupOptions): Promise<ProxySetup> {
    const setup = new ProxySetup(await Deno.makeTempDir({ prefix: "dlba-bench-" }));
    try {
      await setup.#startOrigins();
      const certificate = tls && await makeCertificate(setup.dir, tls);
      for (const name of proxies) {
        const port = freePorts(1)[0]!;
        const command = await setup.#command(name, port, certificate, heapHook, http2);
        const child = await setup.#spawn(PROXY_CORE, name, command, port);
        setup.proxies.push(new Proxy(name, { port, isTls: tls !== undefined }, child.pid, setup.#logFile(name)));
      }
    } catch (error) {
      await setup.stop();
      throw error;
    }
    return setup;
  }

  /** Runs `use` with the proxies up, and takes them down again however it ends. */
  static async with<T>(
    options: SetupOptions,
    use: (proxies: readonly Proxy[], setup: ProxySetup) => Promise<T>,
  ): Promise<T> {
    const setup = await ProxySetup.start(options);
    try {
      return await use(setup.proxies, setup);
    } finally {
      await setup.stop();
    }
  }

  async #startOrigins(): Promise<void> {
    for (const [name, bytes] of Object.entries(SIZES)) {
      await Deno.writeFile(`${this.dir}/${name}`, new Uint8Array(bytes).fill(120));
    }
    // The servers' workers run as another user.
    await Deno.chmod(this.dir, 0o755);
    const config = await this.#write("origin.conf", originConfig(this.dir, this.#origins));
    await this.#spawn(LOAD_CORE, "origin", ["nginx", "-c", config], this.#origins[0]!);
  }

  /** Requests that came to the back ends so far, this one not counted: ngx_http_stub_status_module. */
  async answered(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#origins[0]}/status`)).text();
    return Number(/^ \d+ \d+ (\d+) $/m.exec(text)![1]) - ++this.#asked;
  }

  async #command(
    name: ProxyName,
    port: number,
    certificate: CertificateFiles | undefined,
    heapHook: boolean,
    http2: boolean,
  ): Promise<string[]> {
    switch (name) {
      case "ours":
      case "ours_full": {
        // Tickets of the array need its secret.
        await Deno.mkdir(`${this.dir}/secrets`, { mode: 0o700, recursive: true });
        await Deno.writeTextFile(`${this.dir}/secrets/array.key`, ArraySecret.newFile(), { mode: 0o600 });
        const ports = certificate ? { http: freePorts(1)[0]!, https: port } : { http: port };
        const config = await this.#write(
          `${name}.yaml`,
          dlbaConfig(ports, this.#origins, certificate) + (name === "ours_full" ? manyRoutes() : "") +
            (http2 ? "proxy: { http2_cleartext: true }\n" : ""),
        );
        const command = dlbaCommand(["serve", "--config", config, "--node", "a", "--listen", "127.0.0.1"]);
        if (heapHook) command.splice(2, 0, "--v8-flags=--expose-gc", `--preload=${HEAP_HOOK}`);
        return ["env", `DLBA_RUN_DIR=${this.dir}/run-${name}`, ...command];
      }
      case "haproxy":
      case "haproxy_tuned": {
        const text = haproxyConfig(port, this.#origins, certificate, name === "haproxy_tuned", http2);
        return ["haproxy", "-db", "-f", await this.#write(`${name}.cfg`, text)];
      }
      case "nginx":
      case "nginx_tuned": {
        const text = nginxConfig(this.dir, name, port, this.#origins, certificate, name === "nginx_tuned", http2);
        return ["nginx", "-c", await this.#write(`${name}.conf`, text)];
      }
    }
  }

  async #spawn(core: number, name: string, command: readonly string[], port: number): Promise<Deno.ChildProcess> {
    const child = startPinned(core, command, this.#logFile(name));
    this.#children.push(child);
    const ended = child.status.then(({ code }) => {
      throw new Error(`${name} ended with ${code}: ${Deno.readTextFileSync(this.#logFile(name)).trim()}`);
    });
    await Promise.race([untilListening(port), ended]);
    return child;
  }

  #logFile(name: string): string {
    return `${this.dir}/${name}.log`;
  }

  async #write(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(`${this.dir}/${name}`, text);
    return `${this.dir}/${name}`;
  }

  async stop(): Promise<void> {
    for (const child of this.#children.reverse()) await stop(child);
    await Deno.remove(this.dir, { recursive: true });
  }
}
