/** A scheduler over tables in ordinary memory, for the tests. */
import { checkConfig } from "../../core/config/load.ts";
import type { Config } from "../../core/config/schema.ts";
import { BucketTable } from "../../core/scheduler/bucket_table.ts";
import { NodeCounts, NodeState } from "../../core/scheduler/node_table.ts";
import { Scheduler, type SchedulerTables } from "../../core/scheduler/scheduler.ts";
import { VerdictCounts } from "../../core/scheduler/verdicts.ts";

export interface TestNode {
  readonly weight?: number;
  readonly enabled?: boolean;
}

/** Nodes of ids 0, 1, ..., MACs 02:00:00:00:00:0a, 0b, ... */
export function testConfig(nodes: readonly TestNode[], tableSize: number, bucketTimeout = "60s"): Config {
  const text = JSON.stringify({
    array: { name: "test", vip: "192.0.2.10" },
    scheduler: { table_size: tableSize, bucket_timeout: bucketTimeout },
    proxy: { tunnel_timeout: bucketTimeout },
    nodes: nodes.map((node, id) => ({
      id,
      name: `n${id}`,
      address: `192.0.2.${11 + id}/24`,
      mac: `02:00:00:00:00:${(10 + id).toString(16).padStart(2, "0")}`,
      interface: "eth0",
      ...node,
    })),
    pools: [{ name: "p", back_ends: [{ key: 1, address: "10.0.0.1:80" }] }],
  });
  const { config, findings } = checkConfig("test", text);
  if (!config) throw new Error(JSON.stringify(findings));
  return config;
}

export interface TestArray {
  readonly config: Config;
  readonly tables: SchedulerTables;
  readonly scheduler: Scheduler;
}

/** The scheduler runs on node 0. */
export function testArray(nodes: readonly TestNode[], tableSize = 1024, bucketTimeout?: string): TestArray {
  const config = testConfig(nodes, tableSize, bucketTimeout);
  const tables = {
    buckets: BucketTable.inMemory(tableSize),
    nodeCounts: new NodeCounts(new ArrayBuffer(NodeCounts.BYTES), 0),
    nodeState: new NodeState(new ArrayBuffer(NodeState.BYTES)),
    verdicts: new VerdictCounts(new ArrayBuffer(VerdictCounts.BYTES), 0),
  };
  return { config, tables, scheduler: new Scheduler(config, config.nodes[0]!, tables) };
}
