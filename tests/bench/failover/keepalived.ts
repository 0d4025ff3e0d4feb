/** keepalived on two hosts, each with a web server: the VIP alone, by VRRP (RFC 5798). What our take-over is measured beside. */
import { delay } from "../../../core/delay.ts";
import { Lab } from "../../../core/lab/lab.ts";
import { dlbaCommand } from "../../../core/node/role.ts";
import { Witness } from "./client.ts";

const VIP = "10.72.0.100";
const HOSTS = ["a", "b"] as const;
/** As its documentation has them: the default interval, and the shortest that VRRP 3 knows. */
export const INTERVALS = { default: "1", fastest: "0.01" } as const;
export type Interval = keyof typeof INTERVALS;

const WAIT_MS = 15_000;
const BEFORE_MS = 500;

function config(name: string, interval: Interval): string {
  // Of equal hosts the one that has it keeps it.
  return `global_defs {
  vrrp_version 3
  router_id ${name}
}
vrrp_instance vip {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 51
  priority ${name === "a" ? 150 : 100}
  advert_int ${INTERVALS[interval]}
  virtual_ipaddress {
    ${VIP}/24
  }
}
`;
}

/** Time without the VIP after the death of its owner, ms, of so many rounds. */
export async function keepalivedGaps(witness: string, interval: Interval, rounds: number): Promise<number[]> {
  const lab = await Lab.create([
    { name: "client", addresses: ["10.72.0.201/24"] },
    ...HOSTS.map((name, i) => ({ name, addresses: [`10.72.0.${11 + i}/24`] })),
  ]);
  let starts = 0;
  const start = async (name: string) => {
    const host = lab.host(name);
    host.start(dlbaCommand(["lab-web", name, "0.0.0.0:80"])).unref();
    // One that was killed leaves its pid file, by which the next would not start.
    const file = `${lab.dir}/${name}.conf`, pid = `${lab.dir}/${name}.${starts++}`;
    await Deno.writeTextFile(file, config(name, interval));
    const files = ["-p", `${pid}.pid`, "-r", `${pid}.vrrp.pid`];
    host.start(["keepalived", "--dont-fork", "--log-console", "--vrrp", "-f", file, ...files]).unref();
  };
  const holds = async (name: string) =>
    (await lab.host(name).run(["ip", "-o", "addr", "show", "dev", "eth0"])).stdout.includes(`inet ${VIP}/`);
  /** Where exactly one holds it. */
  const owner = async () => {
    const [a, b] = await Promise.all(HOSTS.map(holds));
    return a === b ? undefined : a ? "a" : "b";
  };
  const serves = async (name: string) => {
    const { stdout } = await lab.host("client").run(["curl", "-s", "-m", "1", `http://${lab.host(name).address}/`]);
    return stdout.includes(`"web":"${name}"`);
  };
  const until = async (what: string, holds: () => Promise<boolean>) => {
    const deadline = performance.now() + WAIT_MS;
    while (!await holds()) {
      if (performance.now() > deadline) {
        throw new Error(`waited ${WAIT_MS / 1000} s for ${what}: ${lab.host("a").log()}`);
      }
      await delay(50);
    }
  };
  try {
    for (const name of HOSTS) await start(name);
    const gaps: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await until("both web servers", async () => (await Promise.all(HOSTS.map(serves))).every(Boolean));
      await until("an owner", async () => await owner() !== undefined);
      const dies = (await owner())!;
      const watch = new Witness(lab.host("client"), witness, VIP, 80);
      await delay(BEFORE_MS);
      const from = Date.now() - 100;
      await lab.host(dies).die();
      await until("a new owner", () => holds(dies === "a" ? "b" : "a"));
      await delay(BEFORE_MS);
      gaps.push((await watch.end()).gapMs(from, Date.now() - 100));
      await lab.host(dies).must(["ip", "link", "set", "eth0", "up"]);
      await lab.host(dies).run(["ip", "addr", "del", `${VIP}/24`, "dev", "eth0"]);
      await start(dies);
    }
    return gaps;
  } finally {
    await lab.close();
  }
}
