/** What a peer sends for an answer: whole and bounded, or nothing. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { checkConfig } from "../../core/config/load.ts";
import { type Cursor, encodeChanges } from "../../core/scheduler/changes.ts";
import { askReport } from "../../core/status/node_report.ts";
import { askStatusPort } from "../../core/status/status_client.ts";
import { summaryOf } from "../../core/status/summary.ts";
import { collectLiveBuckets, fetchChanges } from "../../core/status/table_sync.ts";
import { cases } from "../soak.ts";

const MAX_BYTES = 1000;

/** A peer that answers every question so, in these pieces; `stay` keeps the connection open afterwards. */
async function withPeer<T>(
  pieces: readonly (string | Uint8Array)[],
  use: (port: number, asked: string[]) => Promise<T>,
  stay = false,
): Promise<T> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked: string[] = [], open: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      open.push(connection);
      const question = new Uint8Array(4096);
      const count = await connection.read(question);
      asked.push(new TextDecoder().decode(question.subarray(0, count ?? 0)));
      try {
        for (const piece of pieces) {
          const bytes = typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
          for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
        }
        if (!stay) connection.closeWrite();
      } catch {
        // The client had enough.
      }
    }
  })();
  try {
    return await use((listener.addr as Deno.NetAddr).port, asked);
  } finally {
    listener.close();
    await serving;
    for (const connection of open) connection.close();
  }
}

function ask(port: number, ms = 2000) {
  return askStatusPort({ address: "127.0.0.1", port }, "/status", MAX_BYTES, AbortSignal.timeout(ms));
}

const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nX: y\r\n\r\n${body}`;

Deno.test("askStatusPort() asks once, for the connection to be closed, and takes an answer in any pieces", async () => {
  const text = answer("hello");
  const cuts = fc.array(fc.nat(text.length), { maxLength: 6 }).map((at) => at.sort((one, other) => one - other));
  await fc.assert(
    fc.asyncProperty(cuts, async (cuts) => {
      const pieces = [0, ...cuts].map((from, i) => text.slice(from, cuts[i] ?? text.length));
      await withPeer(pieces, async (port, asked) => {
        const { status, body } = await ask(port);
        assert.deepEqual([status, new TextDecoder().decode(body)], [200, "hello"]);
        assert.match(asked[0]!, /^GET \/status HTTP\/1\.1\r\n(.+\r\n)*Connection: close\r\n\r\n$/);
      });
    }),
    cases(30),
  );
});

Deno.test("askStatusPort() takes No Content without a length", async () => {
  await withPeer(["HTTP/1.1 204 No Content\r\n\r\n"], async (port) => {
    assert.deepEqual(await ask(port), { status: 204, body: new Uint8Array(0) });
  });
});

Deno.test("askStatusPort() refuses what is cut off, too long or no answer", async () => {
  const bad: [says: RegExp, ...pieces: string[]][] = [
    [/cut off/],
    [/cut off/, answer("hello").slice(0, -1)],
    [/cut off/, "HTTP/1.1 200 OK\r\n"],
    [/An answer of 1001 bytes, more than 1000/, answer("x".repeat(MAX_BYTES + 1))],
    [/An answer of 9999999999 bytes/, "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"],
    [/too long/, "HTTP/1.1 200 OK\r\n", "X: y\r\n".repeat(100_000)],
    [/No answer/, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    [/No answer/, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"],
    [/No answer/, "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ];
  for (const [says, ...pieces] of bad) {
    await withPeer(pieces, (port) => assert.rejects(() => ask(port), says), false);
  }
});

Deno.test("askStatusPort() waits no longer than its signal says, for a peer that says nothing or too little", async () => {
  for (const pieces of [[], ["HTTP/1.1 2"], [answer("hello").slice(0, -1)]]) {
    await withPeer(pieces, async (port) => {
      const began = performance.now();
      await assert.rejects(() => ask(port, 100));
      assert.ok(performance.now() - began < 1900);
    }, true);
  }
});

function configOf(port: number) {
  const text = JSON.stringify({
    array: { name: "test", vip: "10.0.0.1" },
    scheduler: { table_size: 1024 },
    nodes: ["a", "b"].map((name, id) => ({
      id,
      name,
      address: `127.0.0.${id + 1}/1`,
      mac: `02:00:00:00:00:0${id}`,
      interface: "eth0",
    })),
    pools: [{ name: "p", back_ends: [{ key: 1, address: "10.0.0.2:80" }, { key: 2, address: "10.0.0.3:80" }] }],
    control: { status_port: port },
  });
  return checkConfig("test", text).config!;
}

const FIGURES = { avg_response_ms: 1.5, hits: 7, open_connections: 2 };
const ROW = {
  pool: "p",
  key: 1,
  address: "10.0.0.2:80",
  ...FIGURES,
  cookie_groups: 3,
  connect_failures: 0,
  ejections: 0,
};

Deno.test("askReport() believes a whole report of that node alone", async () => {
  const report = { node: "a", ...FIGURES, back_ends: [ROW] };
  const asked = (body: unknown) =>
    withPeer([answer(JSON.stringify(body))], (port) => {
      const config = configOf(port);
      return askReport(config, config.nodes[0]!, AbortSignal.timeout(2000));
    });
  assert.deepEqual(await asked(report), report);
  const bad: unknown[] = [
    null,
    { ...report, node: "b" },
    { ...report, hits: -1 },
    { ...report, hits: "7" },
    { ...report, hits: null },
    { ...report, back_ends: [{ ...ROW, hits: undefined }] },
    { ...report, back_ends: {} },
    { ...report, padding: "x".repeat(4000) },
  ];
  for (const body of bad) await assert.rejects(() => asked(body), JSON.stringify(body));
});

Deno.test("summaryOf() adds up each known back end over the nodes, and takes no row twice of one node", () => {
  const report = { node: "a", ...FIGURES, back_ends: [ROW, ROW, { ...ROW, key: 9 }, { ...ROW, pool: "q" }] };
  const rows = summaryOf(configOf(1), [report, { ...report, node: "b", back_ends: [{ ...ROW, hits: 10 }] }]);
  assert.deepEqual(rows, [
    { pool: "p", key: 1, address: "10.0.0.2:80", cookie_groups: 6, hits: 17, open_connections: 4 },
    { pool: "p", key: 2, address: "10.0.0.3:80", cookie_groups: 0, hits: 0, open_connections: 0 },
  ]);
});

function binary(bytes: Uint8Array): (string | Uint8Array)[] {
  return [`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`, bytes];
}

Deno.test("fetchChanges() asks by its cursor, and takes no more than a table is", async () => {
  const cursor = { epoch: 3, incarnation: 4, version: 5 };
  const fetched = (pieces: (string | Uint8Array)[], from: Cursor | undefined) =>
    withPeer(pieces, async (port, asked) => {
      const config = configOf(port);
      const changes = await fetchChanges(config, config.nodes[0]!, from, AbortSignal.timeout(2000));
      return { changes, asked: asked[0]!.split(" ")[1] };
    });
  const changes = { cursor, full: true, pairs: Int32Array.of(1, 0, 2, 1) };
  const whole = binary(encodeChanges(changes));
  assert.deepEqual(await fetched(whole, undefined), { changes, asked: "/changes" });
  const none = ["HTTP/1.1 204 No Content\r\n\r\n"];
  const query = "/changes?epoch=3&incarnation=4&version=5";
  assert.deepEqual(await fetched(none, cursor), { changes: undefined, asked: query });
  await assert.rejects(() => fetched(none, undefined), "nothing changed, to one who has nothing");
  await assert.rejects(
    () => fetched(["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"], cursor),
    /no table: HTTP status 404/,
  );
  await assert.rejects(() => fetched(binary(new Uint8Array(33)), cursor), RangeError);
  await assert.rejects(() => fetched(binary(new Uint8Array(32 + 1025 * 8)), cursor), /An answer of 8232 bytes/);
});

Deno.test("collectLiveBuckets() takes who answers in time and in full", async () => {
  const bits = new Uint8Array(128);
  bits[1] = 4;
  const collected = (pieces: (string | Uint8Array)[], stay = false) =>
    withPeer(pieces, async (port) => {
      const config = configOf(port);
      // Nobody listens at the other's address.
      const began = performance.now();
      const live = await collectLiveBuckets(config, config.nodes, 300);
      assert.ok(performance.now() - began < 2000);
      return live.map(({ node, count }) => ({ node, count }));
    }, stay);
  assert.deepEqual(await collected(binary(bits)), [{ node: 0, count: 1 }]);
  for (const size of [0, 127, 129]) assert.deepEqual(await collected(binary(new Uint8Array(size))), []);
  assert.deepEqual(await collected([], true), []);
});
