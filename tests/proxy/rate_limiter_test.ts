import assert from "node:assert/strict";
import { RateLimiter } from "../../core/proxy/rate_limiter.ts";
import { answering, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const RULES = { requests_per_second: 10, burst: 5, concurrent: 0, ipv4_prefix: 24 };

Deno.test("RateLimiter lets a burst in, then as many as the rate gives, each network its own", () => {
  const limiter = new RateLimiter(RULES);
  const one = limiter.networkOf("192.0.2.1");
  const allowed = (network: number, now: number, times: number) =>
    Array.from({ length: times }, () => limiter.enter(network, now)).filter(Boolean).length;
  assert.equal(allowed(one, 1_000, 10), 5);
  assert.equal(allowed(one, 1_200, 10), 2);
  assert.equal(allowed(limiter.networkOf("192.0.3.1"), 1_200, 10), 5);
  assert.equal(allowed(one, 60_000, 10), 5, "no more than a burst is saved");
});

Deno.test("RateLimiter.networkOf() is one for a prefix of IPv4, and for 64 bits of IPv6", () => {
  const { networkOf } = RateLimiter.prototype;
  const of = (address: string) => networkOf.call(new RateLimiter(RULES), address);
  assert.equal(of("192.0.2.1"), of("192.0.2.255"));
  assert.notEqual(of("192.0.2.1"), of("192.0.3.1"));
  assert.equal(of("2001:db8:1:2::5"), of("2001:db8:1:2:9:9:9:9"));
  assert.notEqual(of("2001:db8:1:2::5"), of("2001:db8:1:3::5"));
  assert.equal(of("2001:db8::5"), of("2001:db8::9:9"));
  assert.notEqual(of("::1"), 0);
  assert.notEqual(of("255.255.255.255"), 0);
});

Deno.test("RateLimiter counts what is under way, and holds no more than that", () => {
  const limiter = new RateLimiter({ ...RULES, requests_per_second: 0, concurrent: 2 });
  assert.deepEqual([1, 1, 1].map((network) => limiter.enter(network, 0)), [true, true, false]);
  assert.ok(limiter.enter(2, 0));
  limiter.leave(1);
  assert.ok(limiter.enter(1, 0));
  assert.ok(!limiter.enter(1, 0));
});

Deno.test("RateLimiter keeps within its table whatever number of networks asks", () => {
  const limiter = new RateLimiter(RULES);
  for (let network = 1; network < 500_000; network++) assert.ok(limiter.enter(network * 7_919, network));
});

Deno.test("rate limit: requests beyond it get 429 and no back end, the connection stays", async () => {
  const backEnd = new RawBackEnd(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  await withServe([backEnd], { config: "rate_limit: { requests_per_second: 1, burst: 3 }" }, async (serve) => {
    const client = await Peer.connect(serve.http);
    const statuses = [];
    for (let i = 0; i < 5; i++) {
      await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      const { head } = await client.message();
      statuses.push(head.slice(9, 12));
      if (i === 4) assert.match(head, /^retry-after: 1\r$/m);
    }
    client.close();
    assert.deepEqual(statuses, ["200", "200", "200", "429", "429"]);
    assert.equal(serve.backEndRows(1)[0]!.hits, 3);
    assert.equal(serve.table().totals.limited, 2);
  });
});

Deno.test("rate limit: no more are under way than concurrent says, and who leaves makes room", async () => {
  const held: (() => void)[] = [];
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    while (true) {
      await peer.until("\r\n\r\n");
      await new Promise<void>((resolve) => held.push(resolve));
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  });
  await withServe([backEnd], { config: "rate_limit: { concurrent: 2 }" }, async (serve) => {
    const clients = await Promise.all([1, 2, 3].map(() => Peer.connect(serve.http)));
    const [one, other, third] = clients as [Peer, Peer, Peer];
    const ask = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    await one.send(ask);
    // Two that are sent at once may come in either order, and the first is released.
    while (held.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    await other.send(ask);
    while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await third.send(ask);
    assert.match((await third.message()).head, /^HTTP\/1\.1 429 /);
    held.shift()!();
    assert.match((await one.message()).head, /^HTTP\/1\.1 200 /);
    await third.send(ask);
    while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const release of held.splice(0)) release();
    assert.match((await third.message()).head, /^HTTP\/1\.1 200 /);
    await other.message();
    for (const client of clients) client.close();
  });
});
