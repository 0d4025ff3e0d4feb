/** A scheduler over tables in ordinary memory, for the tests. */
import { checkConfig } from "../../core/config/load.ts";
import type { Config } from "../../core/config/schema.ts";
import { NodeState } from "../../core/scheduler/node_table.ts";
import { Scheduler } from "../../core/scheduler/scheduler.ts";
import { bytesOfAll, consecutive, SchedulerTables } from "../../core/scheduler/tables.ts";
import { Upkeep } from "../../core/scheduler/upkeep.ts";

export interface TestNode {
  readonly weight?: number;
  readonly enabled?: boolean;
  readonly draining?: boolean;
}

/** IPv6 VIP of the test arrays, beside the IPv4 ones 192.0.2.10 and 192.0.2.20. */
export const VIP6 = "2001:db8::10";

export interface TestSettings {
  readonly table_size?: number;
  readonly bucket_timeout?: string;
  readonly hash?: "modulo" | "keyed";
  readonly policy?: string;
}

/** Nodes of ids 0, 1, ..., MACs 02:00:00:00:00:0a, 0b, ... */
export function testConfig(nodes: readonly TestNode[], settings: TestSettings = {}): Config {
  const text = JSON.stringify({
    array: { name: "test", vip: "192.0.2.10" },
    scheduler: { table_size: 1024, bucket_timeout: "60s", ...settings },
    proxy: { tunnel_timeout: settings.bucket_timeout ?? "60s" },
    nodes: nodes.map((node, id) => ({
      id,
      name: `n${id}`,
      address: `192.0.2.${11 + id}/24`,
      mac: `02:00:00:00:00:${(10 + id).toString(16).padStart(2, "0")}`,
      interface: "eth0",
      ...node,
    })),
    services: [
      { vip: "192.0.2.10", protocol: "udp", ports: [443] },
      { vip: "192.0.2.20", ports: [25, 143, 993] },
      { vip: VIP6, ports: [80, 443] },
      { vip: VIP6, protocol: "udp", ports: [443] },
    ],
    pools: [{ name: "p", back_ends: [{ key: 1, address: "10.0.0.1:80" }] }],
  });
  const { config, findings } = checkConfig("test", text);
  if (!config) throw new Error(JSON.stringify(findings));
  return config;
}

/** Key of the test arrays' hash, where it is keyed: that of SipHash's own test vectors. */
export const HASH_KEY = Uint8Array.from({ length: 16 }, (_, i) => i);

export interface TestArray {
  readonly config: Config;
  readonly tables: SchedulerTables;
  readonly state: NodeState;
  readonly upkeep: Upkeep;
  readonly scheduler: Scheduler;
}

/** The scheduler runs on node 0, and is active for ever. */
export function testArray(nodes: readonly TestNode[], settings?: TestSettings): TestArray {
  return arrayOver(testConfig(nodes, settings), tablesInMemory(settings?.table_size ?? 1024));
}

export function arrayOver(config: Config, tables: SchedulerTables, self = 0): TestArray {
  const state = new NodeState(new ArrayBuffer(NodeState.BYTES));
  const hashKey = config.scheduler.hash === "keyed" ? HASH_KEY : undefined;
  const upkeep = new Upkeep(config, config.nodes[self]!, tables, state, hashKey);
  tables.settings.serveUntil(2 ** 30, 2 ** 30);
  return { config, tables, state, upkeep, scheduler: new Scheduler(tables) };
}

export function tablesInMemory(size: number): SchedulerTables {
  const rows = 1;
  const buffer = new ArrayBuffer(bytesOfAll(size, rows));
  const tables = new SchedulerTables(consecutive(buffer, size, rows), size, rows, () => {});
  tables.adopt();
  return tables;
}
