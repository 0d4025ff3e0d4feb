import assert from "node:assert/strict";
import { UsageError } from "../../core/errors.ts";
import { give, type Order, serveOrders } from "../../core/failover/control.ts";

async function withDaemon(run: (dir: string, orders: Order[]) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const stop = new AbortController();
  const orders: Order[] = [];
  const serving = serveOrders(dir, (order) => {
    orders.push(order);
    return Promise.resolve(order.to === undefined ? {} : { failure: `not ${order.to}` });
  }, stop.signal);
  try {
    await run(dir, orders);
  } finally {
    stop.abort();
    await serving;
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("give() hands an order to the daemon and comes back with its outcome", () =>
  withDaemon(async (dir, orders) => {
    assert.deepEqual(await give(dir, { kind: "handover", to: undefined }), {});
    assert.deepEqual(await give(dir, { kind: "handover", to: "b" }), { failure: "not b" });
    assert.deepEqual(orders, [{ kind: "handover" }, { kind: "handover", to: "b" }]);
    assert.equal((await Deno.stat(`${dir}/failover.sock`)).mode! & 0o077, 0, "the socket is its owner's alone");
  }));

Deno.test("what is no order, too long or cut off is not answered, and the daemon goes on", () =>
  withDaemon(async (dir, orders) => {
    for (const text of ["{\n", "x".repeat(5000), "", "null\n"]) {
      const connection = await Deno.connect({ transport: "unix", path: `${dir}/failover.sock` });
      await connection.write(new TextEncoder().encode(text)).catch(() => {});
      await connection.closeWrite().catch(() => {});
      assert.equal(await connection.read(new Uint8Array(10)).catch(() => null), null, JSON.stringify(text));
      connection.close();
    }
    assert.deepEqual(orders.filter(Boolean), []);
    assert.deepEqual(await give(dir, { kind: "handover", to: undefined }), {});
  }));

Deno.test("give() says where no daemon runs", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await assert.rejects(
      give(dir, { kind: "handover", to: undefined }),
      (error) => error instanceof UsageError && error.message.startsWith(`No failover daemon runs here (${dir}/`),
    );
  } finally {
    await Deno.remove(dir);
  }
});
