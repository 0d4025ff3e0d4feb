/** Names of back ends: against name servers that answer, move, fall silent and lie. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { Resolver } from "node:dns/promises";
import { resolve } from "../../core/checks/resolver.ts";
import { BackEndWatch } from "../../core/checks/back_end_watch.ts";
import { loadConfig } from "../../core/config/load.ts";
import { BackEndControl, backEndControlFile } from "../../core/proxy/back_end_control.ts";
import { Mapping } from "../../ffi/mapping.ts";
import { eventually } from "../proxy/eventually.ts";
import { answering, RawBackEnd, withServe } from "../proxy/harness.ts";

type Answers = { address: string; ttl: number }[];

function answeringBy(answers: () => Answers) {
  // What it throws is a rejection, as node:dns has it.
  // deno-lint-ignore require-await
  return { resolve4: async () => answers() };
}

Deno.test("resolve() keeps to the address while it is among the answers, and to their smallest TTL within bounds", async () => {
  const of = (answers: Answers, before?: string) => resolve(answeringBy(() => answers), "x", before);
  const two = [{ address: "10.0.0.1", ttl: 60 }, { address: "10.0.0.2", ttl: 30 }];
  assert.deepEqual(await of(two), { address: "10.0.0.1", again: 30_000 });
  assert.deepEqual(await of(two, "10.0.0.2"), { address: "10.0.0.2", again: 30_000 });
  assert.deepEqual(await of(two, "10.0.0.3"), { address: "10.0.0.1", again: 30_000 });
  assert.equal((await of([{ address: "10.0.0.1", ttl: 0 }]))!.again, 1_000);
  assert.equal((await of([{ address: "10.0.0.1", ttl: 86_400 }]))!.again, 300_000);
  assert.equal(await of([]), undefined);
  assert.equal(
    await resolve(
      answeringBy(() => {
        throw new Error("SERVFAIL");
      }),
      "x",
      undefined,
    ),
    undefined,
  );
});

/** A name server that says one thing of each name, by the name's first label: RFC 1035 section 4. */
class NameServer {
  readonly socket = dgram.createSocket("udp4");

  async start(): Promise<string> {
    this.socket.on("message", (question, { port, address }) => {
      const label = new TextDecoder().decode(question.subarray(13, 13 + question[12]!));
      if (label === "mute") return;
      const code = { nxdomain: 3, servfail: 2 }[label] ?? 0;
      const isAnswer = label === "web";
      const end = question.indexOf(0, 12) + 5;
      const head = Uint8Array.from(question.subarray(0, end));
      head[2] = 0x81;
      head[3] = 0x80 | code;
      head.fill(0, 6, 12);
      if (isAnswer) head[7] = 1;
      // Of the question's name, A, IN, 42 s: 10.1.2.3.
      const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 42, 0, 4, 10, 1, 2, 3];
      this.socket.send(Uint8Array.from([...head, ...isAnswer ? record : []]), port, address);
    });
    await new Promise<void>((resolve) => this.socket.bind(0, "127.0.0.1", resolve));
    return `127.0.0.1:${this.socket.address().port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}

Deno.test("resolve() by DNS: an address and its TTL, and nothing for a name that is not there or a server that fails", async () => {
  const server = new NameServer();
  const resolver = new Resolver({ timeout: 300, tries: 1 });
  resolver.setServers([await server.start()]);
  assert.deepEqual(await resolve(resolver, "web.example", undefined), { address: "10.1.2.3", again: 42_000 });
  for (const name of ["nxdomain", "none", "servfail", "mute"]) {
    assert.equal(await resolve(resolver, `${name}.example`, "10.0.0.1"), undefined, name);
  }
  await server.close();
});

Deno.test("names: a back end is where its name is, moves with it, and stays when nobody answers any more", async () => {
  const saying = (text: string) => answering(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${text}`);
  const one = new RawBackEnd(saying("1"));
  const other = Deno.listen({ hostname: "127.0.0.9", port: one.port });
  const serving = (async () => {
    for await (const connection of other) saying("2")(connection).catch(() => {}).finally(() => connection.close());
  })();
  const config = "routes: [{ pool: named }]";
  const backEnds = [{ port: one.port, close: () => one.close() }];
  const named = `}, { name: named, keepalive: 0, back_ends: [{ key: 9, address: "app.internal:${one.port}" }]`;
  await withServe(backEnds, { config, pool: named }, async (serve) => {
    const ask = async () => (await serve.raw("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).at(-1);
    assert.equal((await serve.raw("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).slice(9, 12), "503");
    const file = `${serve.dir}/dlba.yaml`;
    const loaded = loadConfig(file);
    const mapping = Mapping.create(
      `${serve.dir}/run/test/a/${backEndControlFile(loaded)}`,
      BackEndControl.bytes(loaded),
    );
    const control = new BackEndControl(mapping.buffer, loaded);
    let address: string | undefined = "127.0.0.1";
    const resolver = answeringBy(() => {
      if (address === undefined) throw new Error("no answer");
      return [{ address, ttl: 1 }];
    });
    const stop = new AbortController();
    const watch = new BackEndWatch({ config: loaded, configFile: file, control, log: () => {}, resolver });
    const running = watch.run(stop.signal);
    await eventually(async () => assert.equal(await ask(), "1"), 10_000);
    address = "127.0.0.9";
    await eventually(async () => assert.equal(await ask(), "2"), 10_000);
    address = undefined;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await ask(), "2");
    stop.abort();
    await running;
    mapping.close();
    other.close();
    await serving;
  });
});
