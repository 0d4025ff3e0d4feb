/** What a stop of `dlba serve` does to connections and requests. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { closeUnix, connectUnix, receiveMessage, sendMessage, waitReadable } from "../../ffi/unix_socket.ts";
import { answering, latin1, RawBackEnd, ServeProcess } from "./harness.ts";
import { Peer } from "./peer.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** As a successor asks for the listeners; nothing is said to serve yet. */
function takeOver(serve: ServeProcess): { readonly fd: number; readonly descriptors: readonly number[] } {
  const fd = connectUnix(`${serve.dir}/run/test/a/serve-0.sock`);
  assert.ok(fd >= 0 && sendMessage(fd, latin1("take"), []) && waitReadable(fd, 3_000));
  const { descriptors } = receiveMessage(fd, new Uint8Array(4_096));
  assert.ok(descriptors.length > 0);
  return { fd, descriptors };
}

Deno.test("stop: a request that crosses the stop on a kept-alive connection is answered", async () => {
  // The connection was closed without a look at what had come.
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const client = await Peer.connect(serve.http);
  await client.send(GET);
  await client.message();
  const { fd, descriptors } = takeOver(serve);
  await delay(50);
  serve.child.kill("SIGSTOP");
  await delay(50);
  sendMessage(fd, latin1("serving"), []);
  await client.send(GET);
  await delay(50);
  serve.child.kill("SIGCONT");
  assert.match(await client.rest(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
  client.close();
  [fd, ...descriptors].forEach(closeUnix);
  await serve.stop();
  await backEnd.close();
});

Deno.test("stop: a request that comes just after the stop on a kept-alive connection is answered", async () => {
  // An idle connection was closed at once, and the request met a reset.
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const client = await Peer.connect(serve.http);
  await client.send(GET);
  await client.message();
  serve.child.kill("SIGTERM");
  await delay(150);
  await client.send(GET);
  assert.match(await client.rest(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
  client.close();
  assert.equal((await serve.child.status).code, 0);
  await backEnd.close();
});

Deno.test("stop: a response that finishes ends its connection at once", async () => {
  // Its head promised to keep the connection, which then stayed open until the drain ran out.
  let finish: () => void;
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    await peer.until("\r\n\r\n");
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    await new Promise<void>((resolve) => finish = resolve);
    await peer.send("world");
    await peer.rest();
  });
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const client = await Peer.connect(serve.http);
  await client.send(GET);
  await client.until("hello");
  serve.child.kill("SIGTERM");
  await delay(200);
  const began = performance.now();
  finish!();
  assert.equal(await client.rest(), "world");
  assert.ok(performance.now() - began < 1_000);
  client.close();
  assert.equal((await serve.child.status).code, 0);
  await backEnd.close();
});

Deno.test("stop: a drain that runs out cuts responses that are not whole", async () => {
  // They were closed in order: one without a length looked whole.
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    const head = await peer.until("\r\n\r\n");
    await peer.send(`HTTP/1.1 200 OK\r\n${head.startsWith("GET /long") ? "Content-Length: 100\r\n" : ""}\r\nhello`);
    await peer.rest();
  });
  const config = "proxy: { drain_timeout: 500ms }";
  const serve = await ServeProcess.start({ backEnds: [backEnd.port], config });
  const clients: Peer[] = [];
  for (const line of ["/long HTTP/1.1", "/ HTTP/1.1", "/ HTTP/1.0"]) {
    const client = await Peer.connect(serve.http);
    await client.send(`GET ${line}\r\nHost: a\r\n\r\n`);
    await client.until("hello");
    clients.push(client);
  }
  serve.child.kill("SIGTERM");
  for (const client of clients) {
    const rest = await client.rest();
    assert.match(rest, /\[reset\]$/);
    assert.doesNotMatch(rest, /0\r\n\r\n/);
    client.close();
  }
  await serve.child.status;
  await backEnd.close();
});

Deno.test("serve --take-over: of two successors at once the second is refused", async () => {
  // Both were served, and the first could never be asked again.
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const { fd, descriptors } = takeOver(serve);
  assert.equal((await serve.failingSuccessor(["--take-over"])).code, 2);
  [fd, ...descriptors].forEach(closeUnix);
  const successor = await serve.successor("--take-over");
  assert.equal((await serve.child.status).code, 0);
  await successor.stop();
  await backEnd.close();
});
