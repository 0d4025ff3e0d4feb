import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { answering, latin1, RawBackEnd, readToEnd, sendAll, ServeProcess } from "./harness.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n";

/** Opens connections one after the other until told to stop; every one of them must be answered. */
async function keepAsking(port: number, isDone: () => boolean, failures: string[]): Promise<number> {
  let asked = 0;
  for (; !isDone(); asked++) {
    try {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await sendAll(connection, latin1(`${GET}Connection: close\r\n\r\n`));
      const answer = await readToEnd(connection);
      if (!answer.endsWith("ok")) failures.push(JSON.stringify(answer));
    } catch (error) {
      failures.push(String(error));
    }
  }
  return asked;
}

Deno.test("serve --take-over: connections are answered all the while, and running responses end whole", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    const buffer = new Uint8Array(4096);
    while (true) {
      const count = await connection.read(buffer);
      if (count === null) return;
      if (new TextDecoder().decode(buffer.subarray(0, count)).startsWith("GET /slow")) await delay(1500);
      await sendAll(connection, latin1(OK));
    }
  });
  let serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  let done = false;
  const failures: string[] = [];
  const askers = Array.from({ length: 8 }, () => keepAsking(serve.http, () => done, failures));
  for (let generation = 0; generation < 3; generation++) {
    const running = serve.raw("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await delay(100);
    const successor = await serve.successor("--take-over");
    assert.match(await running, /ok$/, "a response that had begun");
    assert.equal((await serve.child.status).code, 0, "the predecessor ended");
    serve = successor;
  }
  done = true;
  const asked = (await Promise.all(askers)).reduce((sum, count) => sum + count);
  assert.deepEqual(failures, []);
  assert.ok(asked > 300, `only ${asked} connections`);
  const { requests } = serve.table().totals;
  assert.ok(requests >= 1, "the last generation serves");
  await serve.stop();
  await backEnd.close();
});

Deno.test("serve --take-over: a successor that cannot start changes nothing", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const key = await Deno.readTextFile(`${serve.dir}/tls/localhost.key`);
  await Deno.writeTextFile(`${serve.dir}/tls/localhost.key`, "no key");
  const { code, stderr } = await serve.failingSuccessor(["--take-over"]);
  assert.equal(code, 2);
  assert.match(stderr, /localhost\.key/);
  for (let i = 0; i < 20; i++) assert.match(await serve.raw(`${GET}Connection: close\r\n\r\n`), /ok$/);
  await Deno.writeTextFile(`${serve.dir}/tls/localhost.key`, key);
  await (await serve.successor("--take-over")).stop();
  await serve.child.status;
  await backEnd.close();
});

Deno.test("serve --take-over: without a predecessor it is one line and exit code 2", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  serve.child.kill("SIGKILL");
  await serve.child.status;
  const { code, stderr } = await serve.failingSuccessor(["--take-over"]);
  assert.equal(code, 2);
  assert.match(stderr, /^.*No process to take over from at .*serve-0\.sock: Connection refused\n$/);
  await Deno.remove(serve.dir, { recursive: true });
  await backEnd.close();
});
