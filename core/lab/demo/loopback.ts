/** The server role alone on 127.0.0.1: no root, no namespaces, nothing to install. */
import { dlbaCommand } from "../../node/role.ts";
import { waitFor } from "./array.ts";
import type { Site } from "./steps.ts";

const HOST = "localhost";
const WEBS = ["web1", "web2", "web3"] as const;

export class LoopbackSite {
  #dir: string;
  #children = new Map<string, Deno.ChildProcess>();

  private constructor(dir: string, readonly site: Site) {
    this.#dir = dir;
  }

  static async create(): Promise<LoopbackSite> {
    const dir = await Deno.makeTempDir({ prefix: "dlba-loopback-" });
    const [http, https, status, ...webs] = freePorts(3 + WEBS.length);
    const loopback = new LoopbackSite(dir, { http: `http://${HOST}:${http}`, https: `https://${HOST}:${https}` });
    try {
      await Deno.writeTextFile(loopback.#configFile, config(http!, https!, status!, webs));
      await loopback.#start(webs);
    } catch (error) {
      await loopback.close();
      throw error;
    }
    return loopback;
  }

  get #configFile(): string {
    return `${this.#dir}/dlba.yaml`;
  }

  get caCertificate(): string {
    return Deno.readTextFileSync(`${this.#dir}/tls/${HOST}.crt`);
  }

  async #start(webPorts: readonly number[]): Promise<void> {
    const [program, ...args] = dlbaCommand(["init", "--config", this.#configFile, "--self-signed", HOST]);
    const { success, stderr } = await new Deno.Command(program!, { args }).output();
    if (!success) throw new Error(`dlba init failed: ${new TextDecoder().decode(stderr).trim()}`);
    WEBS.forEach((name, index) => this.#spawn(name, ["lab-web", name, `127.0.0.1:${webPorts[index]}`]));
    const serve = ["serve", "--config", this.#configFile, "--node", "a", "--listen", "127.0.0.1"];
    const child = this.#spawn("serve", serve);
    let ended: Deno.CommandStatus | undefined;
    child.status.then((status) => ended = status);
    await waitFor("dlba serve to listen", async () => {
      if (ended) throw new Error(`dlba serve ended with ${ended.code}`);
      return await connects(Number(new URL(this.site.https).port)) &&
        (await Promise.all(webPorts.map(connects))).every(Boolean);
    });
  }

  #spawn(name: string, args: readonly string[]): Deno.ChildProcess {
    const [program, ...rest] = dlbaCommand(args);
    const env = { DLBA_RUN_DIR: `${this.#dir}/run`, DLBA_SUPERVISOR_PID: String(Deno.pid) };
    const child = new Deno.Command(program!, { args: rest, env, stdin: "null", stdout: "null", stderr: "inherit" })
      .spawn();
    this.#children.set(name, child);
    return child;
  }

  killWeb(name: string): void {
    this.#children.get(name)!.kill("SIGKILL");
  }

  async close(): Promise<void> {
    for (const child of this.#children.values()) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It was killed before, as a step of the demo.
      }
      await child.status;
    }
    await Deno.remove(this.#dir, { recursive: true });
  }
}

function config(http: number, https: number, status: number, webs: readonly number[]): string {
  return `array: { name: loopback, vip: 192.0.2.10, ports: { http: ${http}, https: ${https} } }
proxy: { workers: 1 }
nodes:
  - { id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: lo }
pools:
  - name: shop
    persistence: { session_cookies: [JSESSIONID] }
    back_ends:
${webs.map((port, index) => `      - { key: ${index + 1}, address: "127.0.0.1:${port}" }`).join("\n")}
tls: { certificates: [{ cert: tls/${HOST}.crt, key: tls/${HOST}.key }] }
control: { status_port: ${status} }
`;
}

/** Ports that nothing listens on now. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const ports = listeners.map((listener) => listener.addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

async function connects(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
