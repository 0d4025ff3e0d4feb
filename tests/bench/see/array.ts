/** Nodes in namespaces that answer on their status ports, and somebody who watches them. */
import assert from "node:assert/strict";
import { delay } from "../../../core/delay.ts";
import { Lab } from "../../../core/lab/lab.ts";
import { dlbaCommand } from "../../../core/node/role.ts";

/** As others do: a scrape every so often finds nothing of the last one kept. */
const PAUSE_MS = 120;

export class WatchedArray {
  #children: Deno.ChildProcess[] = [];

  private constructor(readonly lab: Lab, readonly names: readonly string[]) {}

  static async with<T>(nodes: number, backEnds: number, use: (array: WatchedArray) => Promise<T>): Promise<T> {
    const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
    const lab = await Lab.create([
      { name: "client", addresses: ["10.74.0.201/24"] },
      ...names.map((name, i) => ({ name, addresses: [`10.74.0.${11 + i}/24`] })),
    ]);
    const array = new WatchedArray(lab, names);
    try {
      await array.#start(backEnds);
      return await use(array);
    } finally {
      await lab.close();
    }
  }

  async #start(backEnds: number): Promise<void> {
    const config = {
      array: { name: "bench", vip: "10.74.0.100" },
      failover: { coordination: "none" },
      nodes: this.names.map((name, id) => {
        const { address, mac } = this.lab.host(name);
        return { id, name, address: `${address}/24`, mac, interface: "eth0" };
      }),
      pools: [{
        name: "shop",
        back_ends: Array.from({ length: backEnds }, (_, i) => ({
          key: i + 1,
          address: `10.74.${1 + (i >> 8)}.${i & 255}:8080`,
        })),
      }],
    };
    await Deno.writeTextFile(`${this.lab.dir}/dlba.yaml`, JSON.stringify(config));
    for (const name of this.names) {
      const command = dlbaCommand(["statusd", "--config", `${this.lab.dir}/dlba.yaml`, "--node", name]);
      const env = { DLBA_RUN_DIR: `${this.lab.dir}/run`, DLBA_STATE_DIR: `${this.lab.dir}/state/${name}` };
      this.#children.push(this.lab.host(name).start(command, env));
    }
    for (const child of this.#children) child.unref();
    for (const name of this.names) {
      for (let i = 0; !/^ready$/m.test(this.lab.host(name).log()); i++) {
        assert.ok(i < 400, `node ${name} is not ready: ${this.lab.host(name).log()}`);
        await delay(50);
      }
    }
  }

  /** What the runtime takes by itself. */
  startIdle(): Deno.ChildProcess {
    return this.#startInTerminal([Deno.execPath(), "eval", "setInterval(() => {}, 1000)"], "idle");
  }

  startTop(): Deno.ChildProcess {
    return this.#startInTerminal(dlbaCommand(["top", this.lab.host(this.names[0]!).address]), "top");
  }

  #startInTerminal(command: readonly string[], name: string): Deno.ChildProcess {
    const script = `stty cols 200 rows 60; exec ${command.map((word) => `'${word}'`).join(" ")}`;
    const client = this.lab.host("client");
    const [program, ...args] = client.command(["script", "-q", "-c", script, `${this.lab.dir}/${name}.screen`]);
    const env = { ...client.lab.env, TERM: "xterm-256color", LC_ALL: "C.UTF-8" };
    const child = new Deno.Command(program!, { args, env, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    child.unref();
    return child;
  }

  /** Throws Error where it did not show what it was to show. */
  checkTop(): void {
    const screen = Deno.readTextFileSync(`${this.lab.dir}/top.screen`);
    for (const name of this.names) assert.ok(screen.includes(`${name}`), `${name} is not on the screen`);
    assert.ok(screen.includes("of 100"), "the back ends are not on the screen");
    assert.ok(!screen.includes("stale"), "a node was stale");
  }

  /** ms of each scrape. */
  async scrape(count: number, backEnds: number): Promise<number[]> {
    const url = `http://${this.lab.host(this.names[0]!).address}:7600/metrics`;
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const text = await this.lab.host("client").must(["curl", "-s", "-w", "\n%{time_total}", url]);
      assert.equal(text.match(/^dlba_back_end_requests_total\{/gm)!.length, backEnds);
      times.push(Number(text.slice(text.lastIndexOf("\n"))) * 1000);
      await delay(PAUSE_MS);
    }
    return times;
  }
}
