/** The server role alone on 127.0.0.1: no root, no namespaces, nothing to install. */
import { dlbaCommand } from "../../node/role.ts";
import { Janitor } from "../janitor.ts";
import { waitFor } from "./array.ts";
import type { Site } from "./steps.ts";

const HOST = "localhost";
const WEBS = ["web1", "web2", "web3"] as const;

export class LoopbackSite {
  readonly site: Site;
  #ports: LoopbackPorts;
  #janitor: Janitor;
  #children = new Map<string, Deno.ChildProcess>();

  /** Nothing is made yet, apart from the janitor. */
  constructor() {
    const id = `dlba-loopback-${crypto.randomUUID()}`;
    this.#janitor = new Janitor(id, `${Deno.env.get("TMPDIR") ?? "/tmp"}/${id}`);
    const [http, https, status, ...webs] = freePorts(3 + WEBS.length) as [number, number, number, ...number[]];
    this.#ports = { http, https, status, webs };
    this.site = { http: `http://${HOST}:${http}`, https: `https://${HOST}:${https}` };
  }

  get #dir(): string {
    return this.#janitor.folder;
  }

  get #configFile(): string {
    return `${this.#dir}/dlba.yaml`;
  }

  get caCertificate(): string {
    return Deno.readTextFileSync(`${this.#dir}/tls/${HOST}.crt`);
  }

  /** Resolves when the DLBA server and the web servers listen. */
  async start(): Promise<void> {
    await this.#janitor.open();
    await Deno.writeTextFile(this.#configFile, config(this.#ports));
    const init = this.#spawn("init", ["init", "--config", this.#configFile, "--self-signed", HOST]);
    const { code } = await init.status;
    if (code !== 0) throw new Error(`dlba init ended with ${code}`);
    const { webs } = this.#ports;
    WEBS.forEach((name, index) => this.#spawn(name, ["lab-web", name, `127.0.0.1:${webs[index]}`]));
    const serve = ["serve", "--config", this.#configFile, "--node", "a", "--listen", "127.0.0.1"];
    const child = this.#spawn("serve", serve);
    let ended: Deno.CommandStatus | undefined;
    child.status.then((status) => ended = status);
    await waitFor("dlba serve to listen", async () => {
      if (ended) throw new Error(`dlba serve ended with ${ended.code}`);
      return (await Promise.all([this.#ports.https, ...webs].map(connects))).every(Boolean);
    });
  }

  /** In a session of its own: Ctrl-C is for this process, which ends the others. */
  #spawn(name: string, args: readonly string[]): Deno.ChildProcess {
    const env = { ...this.#janitor.env, DLBA_RUN_DIR: `${this.#dir}/run` };
    const child = new Deno.Command("setsid", {
      args: dlbaCommand(args),
      env,
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    this.#children.set(name, child);
    return child;
  }

  killWeb(name: string): void {
    this.#children.get(name)!.kill("SIGKILL");
  }

  /** Removes everything; a second call does nothing. */
  async close(): Promise<void> {
    await this.#janitor.remove();
    await Promise.all([...this.#children.values()].map((child) => child.status));
  }
}

interface LoopbackPorts {
  readonly http: number;
  readonly https: number;
  readonly status: number;
  readonly webs: readonly number[];
}

function config({ http, https, status, webs }: LoopbackPorts): string {
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
