/** Which back end `dlba serve` takes: policies, drain, backup and slow start, over real connections. */
import assert from "node:assert/strict";
import { answering, freePorts, RawBackEnd, type ServeProcess, withServe } from "./harness.ts";
import { eventually } from "./eventually.ts";

/** Back ends that say their number and start a session. */
function numbered(count: number): RawBackEnd[] {
  return Array.from({ length: count }, (_, i) => saying(i + 1));
}

function saying(number: number, port = 0): RawBackEnd {
  return new RawBackEnd(
    answering(`HTTP/1.1 200 OK\r\nSet-Cookie: sid=s${number}\r\nContent-Length: 1\r\n\r\n${number}`),
    port,
  );
}

/** The number of the back end that answered. */
async function ask(serve: ServeProcess, path = "/", cookie = ""): Promise<number> {
  const field = cookie === "" ? "" : `Cookie: ${cookie}\r\n`;
  const answer = await serve.raw(`GET ${path} HTTP/1.1\r\nHost: shop\r\n${field}Connection: close\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  return Number(answer.at(-1));
}

async function askMany(serve: ServeProcess, count: number): Promise<number[]> {
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(await ask(serve));
  return answers;
}

const SESSIONS = ", persistence: { session_cookies: [sid] }";

Deno.test("choice: a back end that drains keeps its users and gets no new ones", async () => {
  const options = { backEnd: ["", ", state: drain"], pool: SESSIONS };
  await withServe(numbered(2), options, async (serve) => {
    assert.deepEqual(new Set(await askMany(serve, 6)), new Set([1]));
    for (let i = 0; i < 4; i++) assert.equal(await ask(serve, "/", "SpServer=2; sid=s2"), 2);
  });
});

Deno.test("choice: a backup serves while no other back end is up, and no longer", async () => {
  const [port] = freePorts(1);
  const backEnds = [{ port: port!, close: () => Promise.resolve() }, saying(2)];
  await withServe(backEnds, { backEnd: ["", ", backup: true"] }, async (serve) => {
    assert.deepEqual(await askMany(serve, 3), [2, 2, 2]);
    const main = saying(1, port);
    await eventually(async () => assert.equal(await ask(serve), 1), 10_000);
    assert.deepEqual(await askMany(serve, 3), [1, 1, 1]);
    await main.close();
  });
});

Deno.test("choice: url_hash sends a URL to the same back end whoever asks for it, and others elsewhere", async () => {
  await withServe(numbered(3), { pool: ", policy: url_hash, hash: { of: path }" }, async (serve) => {
    const first = new Map<string, number>();
    for (let i = 0; i < 24; i++) first.set(`/item/${i}`, await ask(serve, `/item/${i}`));
    assert.deepEqual(new Set(first.values()), new Set([1, 2, 3]));
    for (const [path, number] of first) assert.equal(await ask(serve, `${path}?q=${number}`), number);
  });
});

for (const policy of ["round_robin", "least_connections", "least_response_time", "random_of_two"]) {
  Deno.test(`choice: ${policy} spreads over all back ends`, async () => {
    await withServe(numbered(3), { pool: `, policy: ${policy}` }, async (serve) => {
      assert.deepEqual(new Set(await askMany(serve, 60)), new Set([1, 2, 3]));
    });
  });
}

Deno.test("choice: after it was down a back end takes up its weight little by little", async () => {
  const [port] = freePorts(1);
  const backEnds = [{ port: port!, close: () => Promise.resolve() }, saying(2)];
  await withServe(backEnds, { pool: ", slow_start: 1h" }, async (serve) => {
    assert.deepEqual(await askMany(serve, 3), [2, 2, 2]);
    const risen = saying(1, port);
    await eventually(async () => assert.equal(await ask(serve), 1), 10_000);
    // At the beginning of an hour it gets a twentieth of what the other gets.
    assert.ok((await askMany(serve, 40)).filter((number) => number === 1).length <= 3);
    await risen.close();
  });
});
