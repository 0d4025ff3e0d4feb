/** Names of back ends: against name servers that answer, move, fall silent and lie. */
import assert from "node:assert/strict";
import { resolve } from "../../core/checks/resolver.ts";
import { BackEndWatch } from "../../core/checks/back_end_watch.ts";
import { loadConfig } from "../../core/config/load.ts";
import { BACK_END_CONTROL_FILE, BackEndControl } from "../../core/proxy/back_end_control.ts";
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
    const mapping = Mapping.create(`${serve.dir}/run/test/a/${BACK_END_CONTROL_FILE}`, BackEndControl.bytes(loaded));
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
