/** An array of nodes on the loopback, each with its stores, its control channel and roles that do as they are told. */
import { openChannel } from "../../core/push/channel.ts";
import { AuditLog } from "../../core/push/audit.ts";
import { Configuration } from "../../core/push/configuration.ts";
import { OverrideStore } from "../../core/push/override_store.ts";
import type { RoleReport } from "../../core/push/state.ts";
import { VersionStore } from "../../core/push/version_store.ts";
import { configOf, nodeNamed } from "../../core/config/load.ts";
import { Initializer } from "../../core/secrets/init.ts";
import { freePorts } from "../proxy/harness.ts";

const NAMES = ["a", "b", "c"];

export function configText(port: number, names: readonly string[] = NAMES, more = ""): string {
  const nodes = names.map((name, i) =>
    `{ id: ${i}, name: ${name}, address: 127.0.9.1${i}/1, mac: "02:00:00:00:00:0${i}", interface: eth0 }`
  );
  return `array: { name: test, vip: 10.255.0.1 }
nodes:
${nodes.map((node) => `  - ${node}`).join("\n")}
pools: [{ name: web, back_ends: [{ key: 1, address: "10.0.0.21:8080" }, { key: 2, address: "10.0.0.22:8080" }] }]
control: { push_port: ${port} }
${more}`;
}

export class TestNode {
  /** What the roles say of the next changes. */
  failure: string | undefined;
  readonly lines: string[] = [];
  configuration!: Configuration;
  #channel: { close(): Promise<void> } | undefined;

  constructor(readonly array: Pick<TestArray, "file" | "text" | "dir">, readonly name: string) {}

  get dir(): string {
    return `${this.array.dir}/${this.name}`;
  }

  get number(): number {
    return this.configuration.current.number;
  }

  get audit(): { action: string; outcome: string; who: string | null; detail: string }[] {
    try {
      return Deno.readTextFileSync(`${this.dir}/audit.log`).trimEnd().split("\n").map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  }

  async start(): Promise<void> {
    const { file, text } = this.array;
    Deno.mkdirSync(`${this.dir}/run`, { recursive: true });
    const versions = new VersionStore(this.dir), overrides = new OverrideStore(this.dir);
    const config = configOf(file, versions.current?.text ?? text), audit = new AuditLog(`${this.dir}/audit.log`);
    let reports: RoleReport[] = [];
    this.configuration = new Configuration({
      array: "test",
      node: this.name,
      configFile: file,
      fileText: text,
      dir: `${this.dir}/run`,
      versions,
      overrides,
      reload: ({ number: version, hash }) => {
        const said = this.failure === undefined ? { ok: true } : { ok: false, error: this.failure };
        reports = [{ role: "serve 0", version, hash, ...said }];
        return Promise.resolve(reports);
      },
      reports: () => reports,
    });
    const parts = {
      config,
      self: nodeNamed(config, this.name),
      configFile: file,
      configuration: this.configuration,
      audit,
    };
    this.#channel = await openChannel({ ...parts, log: (line) => this.lines.push(line) });
    if (!this.#channel) throw new Error(this.lines.join("\n"));
  }

  async stop(): Promise<void> {
    this.configuration.close();
    await this.#channel?.close();
    this.#channel = undefined;
  }
}

export class TestArray {
  readonly nodes: readonly TestNode[] = NAMES.map((name) => new TestNode(this, name));

  private constructor(readonly dir: string, readonly port: number, readonly text: string) {}

  /** As an operator has it. */
  get file(): string {
    return `${this.dir}/dlba.yaml`;
  }

  static async with(work: (array: TestArray) => Promise<void>): Promise<void> {
    const dir = Deno.makeTempDirSync({ prefix: "dlba-test-" });
    const [port] = freePorts(1);
    const array = new TestArray(dir, port!, configText(port!));
    Deno.writeTextFileSync(array.file, array.text);
    new Initializer(configOf(array.file, array.text), array.file, Date.now()).makeSecrets();
    try {
      for (const node of array.nodes) await node.start();
      await work(array);
    } finally {
      for (const node of array.nodes) await node.stop();
      Deno.removeSync(dir, { recursive: true });
    }
  }

  /** What the operator's file says from now on. */
  write(more: string, names?: readonly string[]): void {
    Deno.writeTextFileSync(this.file, configText(this.port, names, more));
  }
}
