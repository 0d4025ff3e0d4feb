/** Nodes are asked each on its own. */
import assert from "node:assert/strict";
import { Poller } from "../../core/monitor/poller.ts";
import { delay } from "../../core/delay.ts";
import type { Overview } from "../../core/status/tables.ts";
import { overviewOf } from "./overviews.ts";

const MADE = { nodes: 4, backEnds: 1 };
const PORT = 7600;

/** Node of an address of {@linkcode overviewOf}. */
const nodeAt = (address: string) => Number(address.split(".")[3]) - 11;

Deno.test("Poller begins with one address and finds the rest", async () => {
  const stop = new AbortController(), asked = new Set<string>();
  const poller = new Poller(
    ({ address, port }) => {
      asked.add(`${address}:${port}`);
      return Promise.resolve(overviewOf(MADE, nodeAt(address), 1));
    },
    20,
    stop.signal,
  );
  poller.begin({ address: "10.0.0.13", port: PORT });
  await poller.settled();
  stop.abort();
  assert.deepEqual([...asked].sort(), ["10.0.0.11:7600", "10.0.0.12:7600", "10.0.0.13:7600", "10.0.0.14:7600"]);
  assert.deepEqual([...poller.looks.keys()].sort(), ["n1", "n2", "n3", "n4"]);
});

Deno.test("Poller is not held up by a node that does not answer", async () => {
  const stop = new AbortController(), counts = [0, 0, 0, 0];
  const poller = new Poller(
    ({ address }, signal) => {
      const n = nodeAt(address);
      counts[n]!++;
      if (n !== 2) return Promise.resolve(overviewOf(MADE, n, counts[n]!));
      return new Promise<Overview>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    5,
    stop.signal,
  );
  poller.begin({ address: "10.0.0.11", port: PORT });
  while (counts[0]! < 10 || counts[3]! < 10) await delay(1);
  stop.abort();
  assert.equal(counts[2], 1);
  assert.equal(poller.looks.has("n3"), false);
  const { last, before } = poller.looks.get("n1")!;
  assert.equal(last.overview.requests.requests - before!.overview.requests.requests, 100);
});

Deno.test("Poller keeps the last look at a node that fails afterwards", async () => {
  const stop = new AbortController();
  let asked = 0;
  const poller = new Poller(
    () => {
      if (asked++ > 0) return Promise.reject(new Error("refused"));
      return Promise.resolve(overviewOf({ nodes: 1, backEnds: 1 }, 0, 5));
    },
    1,
    stop.signal,
  );
  poller.begin({ address: "10.0.0.11", port: PORT });
  while (asked < 4) await delay(1);
  stop.abort();
  assert.equal(poller.looks.get("n1")!.last.overview.requests.requests, 500);
});

Deno.test("Poller asks no more than 256 ports, whatever an answer names", async () => {
  const stop = new AbortController(), asked = new Set<string>();
  const poller = new Poller(
    ({ address }) => {
      asked.add(address);
      const overview = overviewOf({ nodes: 1, backEnds: 0 }, 0, 1), [row] = overview.server_status;
      const rows = Array.from({ length: 250 }, (_, i) => ({ ...row!, address: `10.${asked.size % 250}.9.${i}` }));
      return Promise.resolve({ ...overview, server_status: rows });
    },
    1000,
    stop.signal,
  );
  poller.begin({ address: "10.0.0.11", port: PORT });
  await poller.settled();
  stop.abort();
  assert.equal(asked.size, 256);
});
