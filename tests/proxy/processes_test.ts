/** Several proxy processes on one address, as `dlba node` starts them. */
import assert from "node:assert/strict";
import { dlbaCommand } from "../../core/node/role.ts";
import { delay } from "../../core/delay.ts";
import { answering, latin1, RawBackEnd, sendAll, ServeProcess } from "./harness.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = latin1("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

/** Whether a request over the connection is answered. */
async function isServed(connection: Deno.TcpConn): Promise<boolean> {
  try {
    await sendAll(connection, GET);
    return (await connection.read(new Uint8Array(4096)) ?? 0) > 0;
  } catch {
    return false;
  }
}

Deno.test("serve: a killed process takes its own connections with it and no other", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const one = await ServeProcess.start({ backEnds: [backEnd.port] });
  const other = await one.successor("--worker", "1");
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port: one.http });
  const connections = await Promise.all(Array.from({ length: 40 }, connect));
  assert.deepEqual(await Promise.all(connections.map(isServed)), connections.map(() => true));
  const ofOne = one.table(0).totals.clientsOpen;
  const ofOther = other.table(1).totals.clientsOpen;
  assert.equal(ofOne + ofOther, 40);
  assert.ok(ofOne > 0 && ofOther > 0, `${ofOne} and ${ofOther}: the kernel spreads connections`);

  one.child.kill("SIGKILL");
  await one.child.status;
  const served = await Promise.all(connections.map(isServed));
  assert.equal(served.filter(Boolean).length, ofOther);
  for (let i = 0; i < 20; i++) {
    const fresh = await connect();
    assert.ok(await isServed(fresh), "the other process takes new connections");
    fresh.close();
  }
  for (const connection of connections) connection.close();
  await other.stop();
  await backEnd.close();
});

Deno.test("serve: the table is exact after a process was killed and another took its place", async () => {
  const backEnd = new RawBackEnd(answering(OK));
  const first = await ServeProcess.start({ backEnds: [backEnd.port] });
  const ask = async (serve: ServeProcess, count: number) => {
    for (let i = 0; i < count; i++) await serve.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  };
  await ask(first, 7);
  first.child.kill("SIGKILL");
  await first.child.status;
  const second = await first.successor();
  await ask(second, 5);
  await delay(50);
  const { hits, open } = second.table().row(0);
  assert.deepEqual([hits, open, second.table().totals.requests], [12, 0, 12]);
  await second.stop();
  await backEnd.close();
});

Deno.test("serve: a port that another program would share is in use", async () => {
  // The kernel would give each of the two programs a part of the connections.
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  // With a run folder of its own it is another program, though it shares its ports too.
  const { code, stderr } = await serve.failingSuccessor([], "other");
  assert.equal(code, 2);
  assert.match(stderr, /^.*Port \d+ of 127\.0\.0\.1 is in use by another program: .*\n$/);
  await serve.stop();
  await backEnd.close();
});

for (const [flag, value] of [["--listen", "localhost"], ["--worker", "-3"], ["--worker", "1.5"], ["--worker", "64"]]) {
  Deno.test(`serve ${flag} ${value} is one clear line and exit code 2`, async () => {
    const [program, ...args] = dlbaCommand(["serve", `${flag}=${value}`]);
    const { code, stderr } = await new Deno.Command(program!, { args, stdin: "null" }).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), new RegExp(`${value} is not an? .*\n$`));
  });
}
