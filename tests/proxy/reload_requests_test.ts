/** Requests that are under way, or look for a back end, while `dlba serve` takes another config up; back ends by TLS, clients of HTTP/2. */
import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { delay } from "../../core/delay.ts";
import { TestAuthority } from "../tls/authority.ts";
import { eventually } from "./eventually.ts";
import { answering, latin1, RawBackEnd, sendAll, withServe } from "./harness.ts";
import { Client } from "./kept_client.ts";

function named(name: string): RawBackEnd {
  return new RawBackEnd(answering(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`));
}

function backEndOf(key: number, port: number): string {
  return `{ key: ${key}, address: "127.0.0.1:${port}" }`;
}

/** Answers each request when it is told to, but for its first bytes. */
class SlowBackEnd {
  readonly #held: (() => void)[] = [];
  readonly backEnd = new RawBackEnd(async (connection) => {
    const buffer = new Uint8Array(4_096);
    while (await connection.read(buffer) !== null) {
      await sendAll(connection, latin1("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsl"));
      await new Promise<void>((resolve) => this.#held.push(resolve));
      await sendAll(connection, latin1("ow"));
    }
  });

  get held(): number {
    return this.#held.length;
  }

  answer(): void {
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

Deno.test("reload: a request under way ends whole though its back end, and its pool, have left", async () => {
  const slow = new SlowBackEnd();
  const one = named("one");
  await withServe([slow.backEnd, one], {}, async (serve) => {
    const [first, second] = [backEndOf(1, slow.backEnd.port), backEndOf(2, one.port)];
    await serve.reload([`, ${second}`, ""]);
    const client = await Client.open(serve.http);
    const answer = client.ask();
    await eventually(() => assert.equal(slow.held, 1));
    await serve.reload([first, second]);
    await serve.reload(["pools: [{ name: web", "pools: [{ name: other"]);
    slow.answer();
    assert.equal((await answer).body, "slow");
    assert.equal((await client.ask()).body, "one", "the connection goes on by the new config");
    await eventually(() => assert.equal(serve.table().row(0).open, 0));
    client.close();
  });
});

Deno.test("reload: a request that waits for room goes to the back end that has come", async () => {
  const slow = new SlowBackEnd();
  const one = named("one");
  await withServe([slow.backEnd, one], { pool: ", queue_timeout: 20s" }, async (serve) => {
    const [first, second] = [backEndOf(1, slow.backEnd.port), backEndOf(2, one.port)];
    await serve.reload([`${first}, ${second}`, first.replace(" }", ", max_connections: 1 }")]);
    const [holding, waiting] = [await Client.open(serve.http), await Client.open(serve.http)];
    const held = holding.ask();
    await eventually(() => assert.equal(slow.held, 1));
    const answer = waiting.ask();
    await eventually(() => assert.equal(serve.table().totals.requests, 2));
    await delay(50);
    assert.equal(one.accepted, 0);
    await serve.reload([", max_connections: 1 }", `, max_connections: 1 }, ${second}`]);
    assert.equal((await answer).body, "one");
    slow.answer();
    assert.equal((await held).body, "slow");
    for (const client of [holding, waiting]) client.close();
  });
});

Deno.test("reload: all requests that wait for room start at once where there is more", async () => {
  const slow = new SlowBackEnd();
  await withServe([slow.backEnd], { pool: ", queue_timeout: 20s", backEnd: ", max_connections: 1" }, async (serve) => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => Client.open(serve.http)));
    const answers = clients.map((client) => client.ask());
    await eventually(() => assert.equal(serve.table().totals.requests, 5));
    await delay(50);
    assert.equal(slow.held, 1);
    await serve.reload(["max_connections: 1", "max_connections: 0"]);
    // Without being woken they would look again after 2 s.
    await eventually(() => assert.equal(slow.held, 5), 1_500);
    slow.answer();
    for (const answer of answers) assert.equal((await answer).body, "slow");
    for (const client of clients) client.close();
  });
});

Deno.test("reload: back ends by TLS come and go, with other authorities too, and connections that stand are used on", async () => {
  const authority = await TestAuthority.make();
  const pair = await authority.sign(["inside.example", "127.0.0.1"]);
  const files = { "tls/ca.crt": authority.cert };
  await authority.remove();
  const listeners = ["one", "two"].map((name) => {
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: pair.cert, key: pair.key });
    const open = new Set<Deno.TlsConn>();
    const state = { name, accepted: 0, port: listener.addr.port };
    const answer = answering(`HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n${name}`);
    const serving = (async () => {
      for await (const connection of listener) {
        state.accepted++;
        open.add(connection);
        void answer(connection).catch(() => {});
      }
    })().catch(() => {});
    const close = async () => {
      listener.close();
      for (const connection of open) connection.close();
      await serving;
    };
    return Object.assign(state, { close });
  });
  const [one, two] = listeners as [typeof listeners[0], typeof listeners[0]];
  const pool = ", keepalive_timeout: 60s, tls: { ca: tls/ca.crt, server_name: inside.example }";
  await withServe(listeners, { files, pool }, async (serve) => {
    const second = backEndOf(2, two.port);
    await serve.reload([`, ${second}`, ""]);
    const client = await Client.open(serve.http);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) assert.equal((await client.ask()).body, "one");
      await serve.reload(["], keepalive", `, ${second}], keepalive`]);
      const bodies = [await client.ask(), await client.ask()].map(({ body }) => body);
      assert.deepEqual(bodies.toSorted(), ["one", "two"]);
      await serve.reload([`, ${second}`, ""]);
    }
    assert.equal(one.accepted, 1, "it stayed what it was: its connection too");
    await serve.reload(["server_name: inside.example", "server_name: other.example"]);
    assert.match(
      (await client.ask()).head,
      /^HTTP\/1\.1 50[23] /,
      "another name is asked for on a connection of its own",
    );
    await serve.reload(["ca: tls/ca.crt, server_name: other.example", "verify: false"]);
    assert.equal((await client.ask()).body, "one");
    client.close();
  });
});

Deno.test("reload: a connection of HTTP/2 goes on, its next stream by the new config", async () => {
  const slow = new SlowBackEnd();
  const one = named("one");
  await withServe([slow.backEnd, one], { config: "proxy: { http2_cleartext: true }" }, async (serve) => {
    const [first, second] = [backEndOf(1, slow.backEnd.port), backEndOf(2, one.port)];
    await serve.reload([`, ${second}`, ""]);
    const session = connectHttp2(`http://127.0.0.1:${serve.http}`);
    const ask = () =>
      new Promise<string>((resolve, reject) => {
        const stream = session.request({ ":path": "/" });
        let text = "";
        stream.on("data", (data) => text += data).on("end", () => resolve(text)).on("error", reject);
      });
    const under = ask();
    await eventually(() => assert.equal(slow.held, 1));
    await serve.reload([first, second]);
    assert.equal(await ask(), "one");
    slow.answer();
    assert.equal(await under, "slow");
    assert.equal(await ask(), "one");
    session.close();
  });
});
