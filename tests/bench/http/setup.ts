/** The proxies of the bench and the back ends behind them. */
import { dlbaCommand } from "../../../core/node/role.ts";
import { freePorts, processTree, startPinned, stop, untilListening } from "../process.ts";
import { dlbaConfig, haproxyConfig, nginxConfig, originConfig } from "./configs.ts";

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
export type ProxyName = typeof PROXIES[number] | typeof TUNED_PEERS[number];

export class Proxy {
  constructor(readonly name: ProxyName, readonly port: number, readonly pid: number, readonly logFile: string) {}

  /** Its processes now: some start their workers only after they listen. */
  get tree(): number[] {
    return processTree(this.pid);
  }
}

export interface SetupOptions {
  readonly proxies: readonly ProxyName[];
  /** Ours with the heap hook. */
  readonly heapHook?: boolean;
}

export class HttpSetup {
  readonly proxies: Proxy[] = [];
  #children: Deno.ChildProcess[] = [];
  #origins = freePorts(ORIGINS);

  private constructor(readonly dir: string) {}

  static async start({ proxies, heapHook = false }: SetupOptions): Promise<HttpSetup> {
    const setup = new HttpSetup(await Deno.makeTempDir({ prefix: "dlba-bench-" }));
    try {
      await setup.#startOrigins();
      for (const name of proxies) {
        const port = freePorts(1)[0]!;
        const child = await setup.#spawn(PROXY_CORE, name, await setup.#command(name, port, heapHook), port);
        setup.proxies.push(new Proxy(name, port, child.pid, setup.#logFile(name)));
      }
    } catch (error) {
      await setup.stop();
      throw error;
    }
    return setup;
  }

  /** Runs `use` with the proxies up, and takes them down again however it ends. */
  static async with<T>(options: SetupOptions, use: (proxies: readonly Proxy[]) => Promise<T>): Promise<T> {
    const setup = await HttpSetup.start(options);
    try {
      return await use(setup.proxies);
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

  async #command(name: ProxyName, port: number, heapHook: boolean): Promise<string[]> {
    switch (name) {
      case "ours": {
        const config = await this.#write("dlba.yaml", dlbaConfig(port, this.#origins));
        const command = dlbaCommand(["serve", "--config", config, "--node", "a", "--listen", "127.0.0.1"]);
        if (heapHook) command.splice(2, 0, "--v8-flags=--expose-gc", `--preload=${HEAP_HOOK}`);
        return ["env", `DLBA_RUN_DIR=${this.dir}/run`, ...command];
      }
      case "haproxy":
      case "haproxy_tuned": {
        const text = haproxyConfig(port, this.#origins, name === "haproxy_tuned");
        return ["haproxy", "-db", "-f", await this.#write(`${name}.cfg`, text)];
      }
      case "nginx":
      case "nginx_tuned": {
        const text = nginxConfig(this.dir, name, port, this.#origins, name === "nginx_tuned");
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
