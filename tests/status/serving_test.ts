/** Who serves now, from the scheduler's sweep to the proxy processes of another node. */
import assert from "node:assert/strict";
import { loadConfig } from "../../core/config/load.ts";
import { BackEndControl } from "../../core/proxy/back_end_control.ts";
import { NodeState } from "../../core/scheduler/node_table.ts";
import { watchServing } from "../../core/status/serving.ts";
import { StatusServer } from "../../core/status/status_server.ts";
import { eventually } from "../proxy/eventually.ts";

function configOf(statusPort: number, limit: number) {
  const file = Deno.makeTempFileSync({ suffix: ".yaml" });
  Deno.writeTextFileSync(
    file,
    `array: { name: test, vip: 10.255.0.1 }
nodes:
  - { id: 0, name: a, address: 127.0.0.1/1, mac: "02:00:00:00:00:00", interface: lo }
  - { id: 7, name: b, address: 127.0.0.2/1, mac: "02:00:00:00:00:01", interface: lo }
pools: [{ name: web, back_ends: [{ key: 1, address: "127.0.0.1:80", max_connections: ${limit} }] }]
control: { status_port: ${statusPort} }
`,
  );
  const config = loadConfig(file);
  Deno.removeSync(file);
  return config;
}

/** Runs it beside a scheduler, node a, that says what the test says. */
async function watching(
  isOwn: boolean,
  work: (says: { answer: Response }, control: BackEndControl, state: NodeState) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const config = configOf((listener.addr as Deno.NetAddr).port, 10);
  const says = { answer: new Response(null, { status: 404 }) };
  const control = new BackEndControl(new ArrayBuffer(BackEndControl.bytes(config)), config);
  control.begin();
  const state = new NodeState(new ArrayBuffer(NodeState.BYTES));
  const [a, b] = config.nodes;
  const scheduling = { current: () => ({ epoch: 1, scheduler: a, isOwn, failed: [] }) };
  const running = [
    new StatusServer(listener, () => says.answer.clone(), []).run(stop.signal),
    watchServing({ config, node: isOwn ? a! : b!, state, scheduling, control }, stop.signal),
  ];
  try {
    await work(says, control, state);
  } finally {
    stop.abort();
    await Promise.all(running);
  }
}

Deno.test("watchServing() takes over what the scheduler says, and forgets it when nobody says anything", async () => {
  await watching(false, async (says, control) => {
    assert.ok(!control.hasFailed(7));
    says.answer = Response.json({ failed: [7] });
    await eventually(() => assert.ok(control.hasFailed(7)));
    assert.ok(!control.hasFailed(0));
    says.answer = Response.json({ failed: [-1, 1e9] });
    await eventually(() => assert.ok(!control.hasFailed(7)));
    says.answer = Response.json({ failed: [7] });
    await eventually(() => assert.ok(control.hasFailed(7)));
    says.answer = new Response("no JSON");
    await eventually(() => assert.ok(!control.hasFailed(7)));
  });
});

Deno.test("watchServing() of the scheduler goes by its own sweep", async () => {
  await watching(true, async (_, control, state) => {
    state.setFailed(7, true);
    await eventually(() => assert.ok(control.hasFailed(7)));
  });
});

Deno.test("watchServing() has nothing to do where no back end has a limit", async () => {
  const config = configOf(1, 0);
  const scheduling = { current: () => assert.fail("asked") };
  const control = new BackEndControl(new ArrayBuffer(BackEndControl.bytes(config)), config);
  const state = new NodeState(new ArrayBuffer(NodeState.BYTES));
  await watchServing({ config, node: config.nodes[0]!, state, scheduling, control }, new AbortController().signal);
});
