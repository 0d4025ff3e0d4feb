import assert from "node:assert/strict";
import { checkConfig } from "../../core/config/load.ts";
import type { Config } from "../../core/config/schema.ts";
import { schedulerRestartPaths, takeable, votingPaths } from "../../core/config/takeable.ts";

interface Node {
  readonly id: number;
  readonly name: string;
  readonly mac?: string;
  readonly enabled?: boolean;
  readonly weight?: number;
}

function configOf(nodes: readonly Node[], more: Record<string, unknown> = {}): Config {
  const { config, findings } = checkConfig(
    "test",
    JSON.stringify({
      array: { name: "test", vip: "192.0.2.10" },
      nodes: nodes.map((node) => ({
        address: `192.0.2.${11 + node.id}/24`,
        mac: `02:00:00:00:00:0${node.id}`,
        interface: "eth0",
        ...node,
      })),
      pools: [{ name: "p", back_ends: [{ key: 1, address: "10.0.0.1:80" }] }],
      ...more,
    }),
  );
  assert.ok(config, JSON.stringify(findings));
  return config;
}

const A = { id: 0, name: "a" }, B = { id: 1, name: "b" }, C = { id: 2, name: "c" };

Deno.test("what can be taken up is, what waits for a restart stays as it was", () => {
  const began = configOf([A, B]);
  const after = takeable(
    began,
    configOf([{ ...A, weight: 7 }, { ...B, mac: "02:00:00:00:00:99" }, C], {
      scheduler: { table_size: 2048, policy: "hits" },
    }),
  );
  assert.deepEqual(after.nodes.map(({ mac, weight }) => [mac, weight]), [
    ["02:00:00:00:00:00", 7],
    ["02:00:00:00:00:01", 1],
    ["02:00:00:00:00:02", 1],
  ]);
  assert.equal(after.scheduler.table_size, began.scheduler.table_size);
  assert.equal(after.scheduler.policy, "hits");
});

Deno.test("ports of a VIP are taken up, another VIP waits for a restart of the scheduler", () => {
  const service = (vip: string, ports: readonly number[]) => ({ services: [{ vip, ports }] });
  const began = configOf([A, B], service("192.0.2.10", [25]));
  const ports = configOf([A, B], service("192.0.2.10", [25, 143]));
  assert.deepEqual(takeable(began, ports).services[0]!.ports, [25, 143]);
  assert.deepEqual(schedulerRestartPaths(began, ports), []);
  const vip = configOf([A, B], service("192.0.2.20", [25]));
  assert.deepEqual(takeable(began, vip).services, began.services);
  assert.deepEqual(schedulerRestartPaths(began, vip), ["services"]);
});

Deno.test("a new node that takes the number of one that waits for a restart is refused", () => {
  const began = configOf([A, B]);
  const swapped = configOf([{ ...A, id: 2, mac: "02:00:00:00:00:00" }, B, {
    id: 0,
    name: "d",
    mac: "02:00:00:00:00:0d",
  }]);
  assert.throws(() => takeable(began, swapped), /nodes\[d\]\.id: 0 was another node's/);
});

Deno.test("without an election the node that schedules cannot be another one", () => {
  const failover = { failover: { coordination: "none" } };
  const began = configOf([A, B], failover);
  assert.throws(() => takeable(began, configOf([{ ...A, enabled: false }, B], failover)), /a schedules, without an/);
  assert.equal(takeable(began, configOf([A, { ...B, enabled: false }], failover)).nodes[1]!.enabled, false);
});

Deno.test("a second node waits for a restart of the one that schedules alone", () => {
  assert.deepEqual(schedulerRestartPaths(configOf([A]), configOf([A, B])), ["nodes"]);
  assert.deepEqual(schedulerRestartPaths(configOf([A, B]), configOf([A, B, C])), []);
});

Deno.test("weights and sweeps are no matter of the election; nodes and its times are", () => {
  const began = configOf([A, B]);
  const sweeps = configOf([{ ...A, weight: 3 }, B], { failover: { sweep_delay: "1s" } });
  assert.deepEqual(votingPaths(began, sweeps), []);
  const times = configOf([{ ...A, enabled: false }, B, C], { failover: { alone_timeout: "4s" } });
  assert.deepEqual(votingPaths(began, times), ["failover.alone_timeout", "nodes[a]", "nodes[c]"]);
});
