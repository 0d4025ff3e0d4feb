/** An array of two nodes on loopback: `dlba serve` on an address for each, one config and one secret. */
import { dlbaCommand, READY } from "../../core/node/role.ts";
import { ArraySecret } from "../../core/secrets/array_secret.ts";
import { certificatePem, keyPem, makeCertificate } from "../../core/secrets/certificate.ts";
import { freePorts } from "./harness.ts";

/** Of loopback; the prefix of one bit holds the VIP, which nobody has. */
const NODES = [{ name: "a", address: "127.0.0.2" }, { name: "b", address: "127.0.0.3" }];

export class TwoNodes {
  private constructor(
    readonly dir: string,
    readonly http: number,
    readonly https: number,
    readonly children: Deno.ChildProcess[],
  ) {}

  /** Where the nodes listen. */
  get addresses(): string[] {
    return NODES.map(({ address }) => address);
  }

  /** @param pool its further keys, as YAML flow; @param backEnds each as YAML flow */
  static async start(pool: string, backEnds: readonly string[]): Promise<TwoNodes> {
    const dir = await Deno.makeTempDir({ prefix: "dlba-test-" });
    const [http, https, status] = freePorts(3);
    const nodes = NODES.map(({ name, address }, id) =>
      `{ id: ${id}, name: ${name}, address: ${address}/1, mac: "02:00:00:00:00:0${id}", interface: lo }`
    );
    await Deno.writeTextFile(
      `${dir}/dlba.yaml`,
      `array: { name: test, vip: 10.255.0.1, ports: { http: ${http}, https: ${https} } }
nodes: [${nodes.join(", ")}]
pools: [{ name: web, back_ends: [${backEnds.join(", ")}]${pool} }]
tls: { certificates: [{ cert: tls.crt, key: tls.key }] }
control: { status_port: ${status} }
`,
    );
    const names = { commonName: "localhost", days: 30, names: ["localhost"], usages: ["serverAuth"] } as const;
    const pair = makeCertificate({ ...names, keyType: "ec" }, undefined, Date.now());
    await Deno.writeTextFile(`${dir}/tls.crt`, certificatePem(pair));
    await Deno.writeTextFile(`${dir}/tls.key`, keyPem(pair), { mode: 0o600 });
    await Deno.mkdir(`${dir}/secrets`, { mode: 0o700 });
    await Deno.writeTextFile(`${dir}/secrets/array.key`, ArraySecret.newFile(), { mode: 0o600 });
    const children = [];
    for (const { name, address } of NODES) children.push(await serve(dir, name, address));
    return new TwoNodes(dir, http!, https!, children);
  }

  /** Node b is away for as long as `meanwhile` takes, and comes back without anything that it had in memory, as after a reboot. */
  async reboot(meanwhile: () => Promise<void>): Promise<void> {
    const [, b] = this.children;
    b!.kill("SIGTERM");
    await b!.status;
    await Deno.remove(`${this.dir}/run/test/b`, { recursive: true });
    await meanwhile();
    const { name, address } = NODES[1]!;
    this.children[1] = await serve(this.dir, name, address);
  }

  async stop(): Promise<void> {
    for (const child of this.children) {
      child.kill("SIGTERM");
      await child.status;
    }
    await Deno.remove(this.dir, { recursive: true });
  }
}

async function serve(dir: string, node: string, address: string): Promise<Deno.ChildProcess> {
  const flags = ["serve", "--config", `${dir}/dlba.yaml`, "--node", node, "--listen", address];
  const [program, ...args] = dlbaCommand(flags);
  const env = { DLBA_RUN_DIR: `${dir}/run` };
  const child = new Deno.Command(program!, { args, env, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  if (!value?.includes(READY)) throw new Error(`dlba serve of node ${node} said ${value}`);
  return child;
}
