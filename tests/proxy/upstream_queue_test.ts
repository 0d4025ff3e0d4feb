/** `max_connections` of a back end through `dlba serve`, and the queue before it. */
import assert from "node:assert/strict";
import { loadConfig } from "../../core/config/load.ts";
import { delay } from "../../core/delay.ts";
import { Mapping } from "../../ffi/mapping.ts";
import { BackEndControl, backEndControlFile } from "../../core/proxy/back_end_control.ts";
import { eventually } from "./eventually.ts";
import { RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";
import { TwoNodes } from "./two_nodes.ts";

const LIMITED = {
  backEnd: ", max_connections: 1",
  pool: ", queue_timeout: 600ms, persistence: { session_cookies: [sid] }",
};

/** A back end that answers each request by its own name once it is told to; it notes what came. */
class HoldingBackEnd {
  readonly came: string[] = [];
  /** Most requests at a time so far. */
  most = 0;
  #held: (() => void)[] = [];
  readonly #backEnd: RawBackEnd;

  constructor(name: string) {
    this.#backEnd = new RawBackEnd(async (connection) => {
      const peer = new Peer(connection);
      while (true) {
        const path = (await peer.until("\r\n\r\n")).split(" ")[1]!;
        this.came.push(path);
        const released = new Promise<void>((resolve) => this.#held.push(resolve));
        this.most = Math.max(this.most, this.#held.length);
        await released;
        await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length + name.length}\r\n\r\n${name}${path}`);
      }
    });
  }

  get port(): number {
    return this.#backEnd.port;
  }

  /** Lets the oldest request be answered, once it is there. */
  async release(): Promise<void> {
    for (let i = 0; i < 100 && this.#held.length === 0; i++) await delay(10);
    this.#held.shift()?.();
  }

  async close(): Promise<void> {
    for (const release of this.#held.splice(0)) release();
    await this.#backEnd.close();
  }
}

async function ask(port: number, path: string, cookie = "", hostname = "127.0.0.1"): Promise<string> {
  const client = await Peer.connect(port, hostname);
  const field = cookie === "" ? "" : `Cookie: ${cookie}\r\n`;
  await client.send(`GET ${path} HTTP/1.1\r\nHost: shop\r\n${field}Connection: close\r\n\r\n`);
  const { head, body } = await client.message();
  assert.equal(await client.rest(), "");
  client.close();
  return head.startsWith("HTTP/1.1 200 ") ? body : head.split(" ")[1]!;
}

Deno.test("queue: requests beyond max_connections wait and are served in the order of their coming", async () => {
  const backEnd = new HoldingBackEnd("a");
  await withServe([backEnd], LIMITED, async (serve) => {
    const paths = Array.from({ length: 8 }, (_, i) => `/${i}`);
    const answers: Promise<string>[] = [];
    for (const path of paths) {
      answers.push(ask(serve.http, path));
      await delay(15);
    }
    assert.deepEqual(backEnd.came, ["/0"]);
    for (let i = 0; i < paths.length; i++) await backEnd.release();
    assert.deepEqual(await Promise.all(answers), paths.map((path) => `a${path}`));
    assert.deepEqual(backEnd.came, paths);
    assert.equal(backEnd.most, 1);
  });
});

Deno.test("queue: who waits longer than queue_timeout gets a 503 and is never sent", async () => {
  const backEnd = new HoldingBackEnd("a");
  await withServe([backEnd], LIMITED, async (serve) => {
    const first = ask(serve.http, "/first");
    await delay(50);
    const began = performance.now();
    assert.equal(await ask(serve.http, "/late"), "503");
    const ms = performance.now() - began;
    assert.ok(ms > 550 && ms < 1_500, `${ms} ms`);
    const next = ask(serve.http, "/next");
    await delay(50);
    await backEnd.release();
    assert.equal(await first, "a/first");
    await backEnd.release();
    assert.equal(await next, "a/next");
    assert.deepEqual(backEnd.came, ["/first", "/next"]);
  });
});

Deno.test("queue: a persisted user waits for his back end while others pass him to the free one", async () => {
  const a = new HoldingBackEnd("a");
  const b = new HoldingBackEnd("b");
  await withServe([a, b], LIMITED, async (serve) => {
    const first = ask(serve.http, "/1", "SpServer=1");
    await delay(30);
    const second = ask(serve.http, "/2", "SpServer=1");
    const stuck = ask(serve.http, "/3", "SpServer=1");
    await delay(30);
    for (let i = 0; i < 3; i++) {
      const other = ask(serve.http, `/other${i}`);
      await b.release();
      assert.equal(await other, `b/other${i}`);
    }
    await a.release();
    assert.equal(await first, "a/1");
    assert.equal(await stuck, "503", "nor does he move when his time is over");
    await a.release();
    assert.equal(await second, "a/2");
    assert.deepEqual(a.came, ["/1", "/2"]);
  });
});

Deno.test("queue: many requests over few places are all answered, never more at a time than max_connections", async () => {
  const backEnds = ["a", "b"].map((name) => new HoldingBackEnd(name));
  await withServe(backEnds, { backEnd: LIMITED.backEnd }, async (serve) => {
    const count = 60;
    let isDone = false;
    const releasing = backEnds.map(async (backEnd) => {
      while (!isDone) await backEnd.release();
    });
    const answers = await Promise.all(Array.from({ length: count }, (_, i) => ask(serve.http, `/${i}`)));
    isDone = true;
    await Promise.all(releasing);
    assert.deepEqual(answers.map((answer) => answer.slice(1)), Array.from({ length: count }, (_, i) => `/${i}`));
    assert.deepEqual(backEnds.map(({ most }) => most), [1, 1]);
    assert.ok(backEnds.every(({ came }) => came.length > count / 4), "both have their share");
  });
});

Deno.test("queue: a node has the part of one that has failed, and gives it back", async () => {
  const backEnd = new HoldingBackEnd("a");
  const limited = `{ key: 1, address: "127.0.0.1:${backEnd.port}", max_connections: 2 }`;
  const array = await TwoNodes.start("", [limited]);
  const config = loadConfig(`${array.dir}/dlba.yaml`);
  const mapping = Mapping.create(`${array.dir}/run/test/a/${backEndControlFile(config)}`, BackEndControl.bytes(config));
  const control = new BackEndControl(mapping.buffer, config);
  control.begin();
  try {
    const askA = (path: string) => ask(array.http, path, "", array.addresses[0]);
    const [one, other] = [askA("/1"), askA("/2")];
    await eventually(() => assert.equal(backEnd.came.length, 1));
    control.setFailed([1]);
    await eventually(() => assert.equal(backEnd.came.length, 2));
    control.setFailed([]);
    await delay(200);
    const third = askA("/3");
    await backEnd.release();
    // Two were under way: with one of them done there is no room yet.
    await delay(200);
    assert.equal(backEnd.came.length, 2);
    await backEnd.release();
    await backEnd.release();
    assert.deepEqual((await Promise.all([one, other, third])).sort(), ["a/1", "a/2", "a/3"]);
  } finally {
    mapping.close();
    await array.stop();
    await backEnd.close();
  }
});
