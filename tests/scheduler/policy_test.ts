import assert from "node:assert/strict";
import { NodeState } from "../../core/scheduler/node_table.ts";
import { stateOf } from "../../core/scheduler/node_states.ts";
import { effectiveWeights } from "../../core/scheduler/policy.ts";
import { testArray, testConfig, type TestNode } from "./array.ts";
import { tcpFrame } from "./frames.ts";

const NODES: readonly TestNode[] = [
  { weight: 1 },
  { weight: 2 },
  { weight: 1, draining: true },
  { enabled: false },
  {},
];

function weights(policy: string, fill: (state: NodeState) => void = () => {}): number[] {
  const state = new NodeState(new ArrayBuffer(NodeState.BYTES));
  state.setFailed(4, true);
  fill(state);
  return effectiveWeights(testConfig(NODES, { policy }), state);
}

Deno.test("policy weights: the config's; none for a node that drains, is disabled or failed", () => {
  assert.deepEqual(weights("weights"), [256, 512, 0, 0, 0]);
});

Deno.test("every other policy: as the weights where there is no load, or the same for each weight", () => {
  for (const policy of ["open_connections", "hits", "response_time"]) {
    assert.deepEqual(weights(policy), [256, 512, 0, 0, 0]);
  }
  const even = (state: NodeState) => state.openConnections.set([100, 200]);
  assert.deepEqual(weights("open_connections", even), [256, 512, 0, 0, 0]);
});

Deno.test("a node with more load than its share gets fewer buckets, within bounds", () => {
  const columns = { open_connections: "openConnections", hits: "hits", response_time: "responseMs" } as const;
  for (const [policy, column] of Object.entries(columns)) {
    const [light, heavy] = weights(policy, (state) => state[column].set([10, 90]));
    assert.ok(light! > 256 && heavy! < 512, `${policy}: ${light}, ${heavy}`);
    const [lightest, heaviest] = weights(policy, (state) => state[column].set([0, 1e12]));
    assert.deepEqual([lightest, heaviest], [256 * 8, 512 / 2], policy);
  }
});

Deno.test("the states of a node: by config, polls and share", () => {
  const { config, tables, state, upkeep, scheduler } = testArray([{}, {}, { draining: true }, { enabled: false }]);
  const states = () => config.nodes.map(({ id }) => stateOf(config, state, tables.nodes, id));
  const send = (count: number) => {
    for (let port = 0; port < count; port++) {
      const frame = tcpFrame({ fromPort: port });
      scheduler.schedule(frame, frame.length, 1);
    }
  };
  assert.deepEqual(states(), ["active", "active", "draining", "disabled"]);
  state.setFailed(1, true);
  upkeep.refresh();
  send(10);
  assert.deepEqual(states(), ["active", "failed", "draining", "disabled"]);
  state.setFailed(1, false);
  upkeep.refresh();
  assert.deepEqual(states(), ["active", "filling", "draining", "disabled"]);
  send(20);
  assert.deepEqual(states(), ["active", "active", "draining", "disabled"], "new buckets went to it until it was level");
  assert.deepEqual(config.nodes.map(({ id }) => stateOf(config, state, undefined, id)), [
    "active",
    "active",
    "draining",
    "disabled",
  ]);
});
