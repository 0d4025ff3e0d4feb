/** Another config taken up by `dlba serve` while it serves. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTls } from "node:tls";
// @ts-types="@types/ws"
import { WebSocket, WebSocketServer } from "ws";
import { certificatePem, keyPem, makeCertificate } from "../../core/secrets/certificate.ts";
import { ProxyTables } from "../../core/proxy/table_files.ts";
import { eventually } from "./eventually.ts";
import { answering, RawBackEnd, sendAll, type ServeProcess, withServe } from "./harness.ts";
import { Client } from "./kept_client.ts";

const CONNECTIONS = 8;

/** Answers with its name. */
function named(name: string): RawBackEnd {
  return new RawBackEnd(answering(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`));
}

/** Asks over kept-alive connections as fast as it goes; each answer must be a 200. */
class Load {
  readonly byName: Record<string, number> = {};
  answers = 0;
  #isOver = false;
  #running: Promise<void>[];

  private constructor(readonly clients: readonly Client[]) {
    this.#running = clients.map((client) => this.#run(client));
    // What fails is told by end().
    for (const each of this.#running) each.catch(() => {});
  }

  static async begin(port: number): Promise<Load> {
    return new Load(await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(port))));
  }

  async #run(client: Client): Promise<void> {
    while (!this.#isOver) {
      const { head, body } = await client.ask();
      assert.match(head, /^HTTP\/1\.1 200 /);
      this.byName[body] = (this.byName[body] ?? 0) + 1;
      this.answers++;
    }
  }

  /** Until so many further ones were answered. */
  async more(count: number): Promise<void> {
    const from = this.answers;
    await eventually(() => assert.ok(this.answers >= from + count), 20_000);
  }

  /** Answers by name from now on, over so many. */
  async share(count: number): Promise<Record<string, number>> {
    const before = { ...this.byName };
    await this.more(count);
    return Object.fromEntries(Object.entries(this.byName).map(([name, now]) => [name, now - (before[name] ?? 0)]));
  }

  async end(): Promise<void> {
    this.#isOver = true;
    try {
      await Promise.all(this.#running);
    } finally {
      for (const client of this.clients) client.close();
    }
  }
}

function backEndOf(key: number, { port }: RawBackEnd): string {
  return `{ key: ${key}, address: "127.0.0.1:${port}" }`;
}

Deno.test("reload: back ends come, go and change their weights under load: nothing fails, no connection ends, counts only rise", async () => {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(sockets, "listening");
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  const [one, two, three] = [named("one"), named("two"), named("three")] as const;
  const wsPort = (sockets.address() as { port: number }).port;
  const routes = "routes: [{ path: /socket, pool: sockets }, { path: /, pool: web }]";
  const all = [one, two, three, {
    port: wsPort,
    close: () => new Promise<void>((done) => sockets.close(() => done())),
  }];
  await withServe(all, {}, async (serve) => {
    const [first, second, third] = [backEndOf(1, one), backEndOf(2, two), backEndOf(3, three)];
    const socketPool = `{ name: sockets, back_ends: [{ key: 9, address: "127.0.0.1:${wsPort}" }] }`;
    // The harness's pool has all four; the sockets are a pool of their own.
    await serve.reload([`, { key: 4, address: "127.0.0.1:${wsPort}" }] }]`, `] }, ${socketPool}]\n${routes}`], [
      `, ${third}`,
      "",
    ]);
    const socket = new WebSocket(`ws://127.0.0.1:${serve.http}/socket`);
    await once(socket, "open");
    const echo = async (text: string) => {
      socket.send(text);
      assert.equal(String((await once(socket, "message"))[0]), text);
    };
    const reader = new ProxyTables(`${serve.dir}/run/test/a`);
    const names = [one, two].map(({ port }, i) => `web ${i + 1} 127.0.0.1:${port}`);
    const hits = () =>
      names.map((name) => reader.read().reduce((sum, table) => sum + (table.rowNamed(name)?.hits ?? 0), 0));
    let last = [0, 0];
    let falls = 0;
    const watching = setInterval(() => {
      const now = hits();
      // The second leaves for a while: then it has no row.
      if (now[0]! < last[0]!) falls++;
      last = now;
    }, 2);
    const load = await Load.begin(serve.http);
    try {
      await load.more(200);
      assert.equal(load.byName.three, undefined);
      for (let round = 0; round < 5; round++) {
        assert.equal((await serve.reload([second, `${second}, ${third}`])).ok, true);
        assert.ok((await load.share(300)).three! > 50, "it has its part once it is there");
        assert.equal((await serve.reload([`, ${second}`, ""], [first, first.replace(" }", ", weight: 3 }")])).ok, true);
        await load.more(CONNECTIONS);
        const share = await load.share(400);
        assert.equal(share.two, 0, "who has left gets nothing");
        assert.ok(share.one! > 2 * share.three!, `weights of 3 to 1 gave ${share.one} to ${share.three}`);
        await echo(`round ${round}`);
        await serve.reload([first.replace(" }", ", weight: 3 }"), `${first}, ${second}`], [`, ${third}`, ""]);
        await load.more(100);
      }
    } finally {
      clearInterval(watching);
      await load.end();
    }
    await echo("after it all");
    assert.equal(falls, 0);
    assert.equal(hits()[0], load.byName.one, "each request to a back end that stayed is counted once");
    assert.equal(serve.table().totals.requests, load.answers + 1);
    const open = () => serve.backEndRows(3).map(({ open }) => open);
    await eventually(() => assert.deepEqual(open(), [0, 0, 1], "only the WebSocket is open"));
    socket.terminate();
    await eventually(() => assert.equal(serve.table().totals.clientsOpen, 0));
  });
});

Deno.test("reload: routes, header rules, limits, error pages and the rest hold from the next request of a kept-alive connection", async () => {
  const [one, two] = [named("one"), named("two")] as const;
  const files = { "sorry.txt": "sorry" };
  await withServe([one, two], { files }, async (serve) => {
    const client = await Client.open(serve.http);
    const second = backEndOf(2, two);
    const pools =
      `] }, { name: other, back_ends: [${second}] }]\nroutes: [{ path: /, pool: web }, { path: /b, pool: other }]`;
    await serve.reload([`, ${second}] }]`, pools]);
    assert.equal((await client.ask("/b/x")).body, "two");
    assert.equal((await client.ask("/")).body, "one");
    await serve.reload([`path: /b, pool: other`, `path: /b, redirect: { to: /c }`], [
      `127.0.0.1:${one.port}" }]`,
      `127.0.0.1:${one.port}" }], headers: { response: { set: [{ name: x-new, value: "1" }] } }`,
    ]);
    assert.match((await client.ask("/b")).head, /^HTTP\/1\.1 302 [^]*location: \/c$/m);
    assert.match((await client.ask("/")).head, /^x-new: 1$/m);
    const proxy =
      "\nproxy: { request_id: x-id, error_pages: [{ status: 404, file: sorry.txt }], max_head_bytes: 1024 }";
    await serve.reload([`{ path: /, pool: web }`, `{ path: /only, pool: web }`], ["\nroutes", `${proxy}\nroutes`]);
    assert.match((await client.ask("/only")).head, /^x-id: /m);
    const missing = await client.ask("/none");
    assert.deepEqual([missing.head.slice(0, 12), missing.body], ["HTTP/1.1 404", "sorry"]);
    const long = await Client.open(serve.http);
    assert.match((await long.ask(`/only?${"x".repeat(2_000)}`)).head, /^HTTP\/1\.1 414 /);
    long.close();
    await serve.reload(["\nroutes", "\nrate_limit: { requests_per_second: 1, burst: 1 }\nroutes"]);
    assert.match((await client.ask("/only")).head, /^HTTP\/1\.1 200 /);
    assert.match((await client.ask("/only")).head, /^HTTP\/1\.1 429 /);
    await serve.reload(["\nrate_limit: { requests_per_second: 1, burst: 1 }", `\naccess_log: { file: log.jsonl }`]);
    assert.match((await client.ask("/only")).head, /^HTTP\/1\.1 200 /);
    await eventually(() => assert.match(Deno.readTextFileSync(`${serve.dir}/log.jsonl`), /"path":"\/only"|\/only/));
    client.close();
  });
});

/** Common name of the certificate that a new connection gets. */
async function certificateOf(serve: ServeProcess): Promise<string> {
  const socket = connectTls({ host: "127.0.0.1", port: serve.https, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

Deno.test("reload: another certificate is in service for new connections, a kept-alive one stays", async () => {
  const one = named("one");
  const pair = makeCertificate(
    { commonName: "other", days: 30, usages: ["serverAuth"], names: ["localhost"] },
    undefined,
    Date.now(),
  );
  const files = { "tls/other.crt": certificatePem(pair), "tls/other.key": keyPem(pair) };
  await withServe([one], { files }, async (serve) => {
    assert.equal(await certificateOf(serve), "localhost");
    const kept = await Deno.connectTls({
      hostname: "localhost",
      port: serve.https,
      caCerts: [Deno.readTextFileSync(serve.certificateFile)],
    });
    const ask = async () => {
      await sendAll(kept, new TextEncoder().encode("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
      const count = await kept.read(new Uint8Array(1_000));
      assert.ok(count !== null && count > 20);
    };
    await ask();
    await serve.reload([
      '{ cert: tls/localhost.crt, key: "tls/localhost.key" }',
      "{ cert: tls/other.crt, key: tls/other.key }",
    ]);
    assert.equal(await certificateOf(serve), "other");
    await ask();
    const { ok, error } = await serve.reload(["tls/other.key", "tls/missing.key"]);
    assert.equal(ok, false);
    assert.match(error!, /missing\.key/);
    assert.equal(await certificateOf(serve), "other");
    await ask();
    kept.close();
  });
});

Deno.test("reload: a broken file changes nothing and is named; what waits for a restart is named until it is undone", async () => {
  const one = named("one");
  await withServe([one], { keepsLog: true }, async (serve) => {
    const client = await Client.open(serve.http);
    assert.equal((await client.ask()).body, "one");
    const { ok, error } = await serve.reload(["pools: [{ name: web", "pools: [{ nmae: web"]);
    assert.equal(ok, false);
    assert.match(error!, /dlba\.yaml:3:\d+: pools\[0\]\.nmae/);
    assert.equal((await client.ask()).body, "one");
    await eventually(() => assert.match(serve.log, /the configuration in service stays[^]*nmae/));
    const changed = await serve.reload(["nmae", "name"], [
      "\ntls:",
      "\nproxy: { workers: 3, drain_timeout: 1s }\ntls:",
    ]);
    assert.deepEqual([changed.ok, changed.needsRestart], [true, ["proxy.workers"]]);
    assert.deepEqual((await serve.reload(["workers: 3, ", ""])).needsRestart, []);
    assert.equal((await client.ask()).body, "one");
    client.close();
  });
});

Deno.test("reload: overrides of back ends hold beside the config, from the start and until they end", async () => {
  const [one, two] = [named("one"), named("two")] as const;
  await withServe([one, two], { isPushed: true }, async (serve) => {
    const client = await Client.open(serve.http);
    const bodies = async () => {
      const seen: Record<string, number> = {};
      for (let i = 0; i < 20; i++) {
        const { body } = await client.ask();
        seen[body] = (seen[body] ?? 0) + 1;
      }
      return seen;
    };
    const override = (what: string, value: number | null = null) => [
      { kind: "back_end", name: "1", what, value, until: null, author: "ann", time: 0 },
    ];
    assert.deepEqual(await bodies(), { one: 10, two: 10 });
    assert.equal((await serve.push(1, override("drain"))).ok, true);
    assert.deepEqual(await bodies(), { two: 20 });
    await serve.push(2, override("weight", 3));
    assert.deepEqual(await bodies(), { one: 15, two: 5 });
    await serve.push(3, override("disable"));
    assert.deepEqual(await bodies(), { two: 20 });
    await serve.push(4, []);
    assert.deepEqual(await bodies(), { one: 10, two: 10 });
    client.close();
  });
});
