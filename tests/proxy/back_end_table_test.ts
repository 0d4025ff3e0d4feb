/** The Web Server Status Table (seed fig. 7) of a `dlba serve` under load: hits, open and response time are exact. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { eventually } from "./eventually.ts";
import { RawBackEnd, type ServeProcess, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const RESPONSE_MS = 50;
const BACK_ENDS = 3;

interface Held {
  count: number;
  release: () => void;
  readonly released: Promise<void>;
}

function holding(): Held {
  let release = () => {};
  const released = new Promise<void>((resolve) => release = resolve);
  return { count: 0, release, released };
}

/** Answers after RESPONSE_MS; /head and /body hold the response before or amid its body until they are released. */
function backEnds(held: Held): RawBackEnd[] {
  return Array.from({ length: BACK_ENDS }, () =>
    new RawBackEnd(async (connection) => {
      const peer = new Peer(connection);
      while (true) {
        const { head } = await peer.message();
        const path = head.split(" ")[1]!;
        if (path === "/") await delay(RESPONSE_MS);
        else held.count++;
        if (path === "/head") await held.released;
        await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok");
        if (path === "/body") await held.released;
        await peer.send("ok");
      }
    }));
}

async function askMany(serve: ServeProcess, clients: number, requests: number): Promise<void> {
  await Promise.all(Array.from({ length: clients }, async (_, i) => {
    const client = await Peer.connect(serve.http);
    for (let request = 0; request < requests; request++) {
      await client.send(
        i % 2 === 0
          ? "GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
          : "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello",
      );
      assert.equal((await client.message()).body, "okok");
    }
    client.close();
  }));
}

function sum(serve: ServeProcess, figure: "hits" | "open" | "responses" | "responseMs"): number {
  return serve.backEndRows(BACK_ENDS).reduce((total, row) => total + row[figure], 0);
}

Deno.test("table: N requests over many connections are N hits, and none is open afterwards", async () => {
  const clients = 60;
  const requests = 6;
  for (const pool of ["", ", keepalive: 0"]) {
    await withServe(backEnds(holding()), { pool }, async (serve) => {
      await askMany(serve, clients, requests);
      for (const row of serve.backEndRows(BACK_ENDS)) assert.equal(row.hits, clients * requests / BACK_ENDS);
      assert.equal(sum(serve, "responses"), clients * requests);
      // The client may have its answer before the proxy has put it down.
      await eventually(() => assert.equal(sum(serve, "open"), 0));
    });
  }
});

Deno.test("table: the average response time is that of the back end", async () => {
  await withServe(backEnds(holding()), {}, async (serve) => {
    // Few at a time, so that the time is the back end's and not that of a busy machine.
    await askMany(serve, 6, 10);
    for (const { responseMs, responses } of serve.backEndRows(BACK_ENDS)) {
      const average = responseMs / responses;
      assert.ok(average >= RESPONSE_MS - 5 && average < RESPONSE_MS + 40, `${average} ms`);
    }
  });
});

Deno.test("table: open counts what is held before or amid its response, and returns to 0", async () => {
  const held = holding();
  const work = async (serve: ServeProcess) => {
    const ask = async (path: string) => {
      const client = await Peer.connect(serve.http);
      await client.send(`GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`);
      return client;
    };
    const clients = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(i % 2 === 0 ? "/head" : "/body")));
    await eventually(() => assert.equal(held.count, 30));
    // Others come and go meanwhile.
    await askMany(serve, 9, 3);
    await eventually(() => assert.deepEqual(serve.backEndRows(BACK_ENDS).map(({ open }) => open), [10, 10, 10]));
    // Some do not wait for the end.
    for (const client of clients.splice(0, 5)) client.close();
    held.release();
    for (const client of clients) {
      assert.equal((await client.message()).body, "okok");
      client.close();
    }
    await eventually(() => assert.equal(sum(serve, "open"), 0));
    assert.equal(sum(serve, "hits"), 30 + 27);
  };
  // Back ends that hold something would never end after a failure.
  await withServe(backEnds(held), {}, (serve) => work(serve).finally(() => held.release()));
});

Deno.test("table: open returns to 0 after clients and back ends that break off at any stage", async () => {
  let turn = 0;
  const breaking = Array.from({ length: BACK_ENDS }, () =>
    new RawBackEnd(async (connection) => {
      const peer = new Peer(connection);
      await peer.until("\r\n\r\n");
      const parts = ["HTTP/1.1 200 OK\r\nContent-", "Length: 4\r\n\r\n", "ok", "ok"];
      for (const part of parts.slice(0, turn++ % 5)) {
        await peer.send(part);
        await delay(2);
      }
    }));
  await withServe(breaking, {}, async (serve) => {
    await Promise.all(Array.from({ length: 120 }, async (_, i) => {
      const client = await Peer.connect(serve.http);
      await client.send(
        "PUT / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello".slice(
          0,
          i % 4 === 0 ? 40 : 99,
        ),
      );
      if (i % 3 === 0) await delay(i % 7);
      else if (i % 4 !== 0) await client.rest();
      client.close();
    }));
    await eventually(() => assert.equal(sum(serve, "open"), 0));
    assert.ok(sum(serve, "hits") > 60);
  });
});
