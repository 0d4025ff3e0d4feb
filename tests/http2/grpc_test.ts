/** gRPC by @grpc/grpc-js through `dlba serve`: every kind of call, deadlines and cancellation, in clear and by TLS. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { credentials, Metadata, ServerCredentials, status } from "@grpc/grpc-js";
import { eventually } from "../proxy/eventually.ts";
import { type ServeOptions, type ServeProcess, withServe } from "../proxy/harness.ts";
import { TestAuthority } from "../tls/authority.ts";
import { type EchoClient, echoClient, EchoServer, FAIL, HANG } from "./grpc_echo.ts";

/** More than a loaded machine needs, ms. */
const PATIENCE = 20_000;

interface Site {
  readonly client: EchoClient;
  readonly backEnd: EchoServer;
  readonly serve: ServeProcess;
}

async function withGrpc(
  backEndCredentials: ServerCredentials,
  options: Omit<ServeOptions, "backEnds">,
  clientOf: (serve: ServeProcess) => EchoClient,
  work: (site: Site) => Promise<void>,
): Promise<void> {
  const backEnd = await EchoServer.start(backEndCredentials);
  await withServe([backEnd], options, async (serve) => {
    const client = clientOf(serve);
    try {
      await work({ client, backEnd, serve });
    } finally {
      client.close();
    }
  });
}

/** In clear on both sides. */
function inClear(work: (site: Site) => Promise<void>): Promise<void> {
  const options = { pool: ", protocol: h2", config: "proxy: { http2_cleartext: true }" };
  const clientOf = ({ http }: ServeProcess) => echoClient(`127.0.0.1:${http}`, credentials.createInsecure());
  return withGrpc(ServerCredentials.createInsecure(), options, clientOf, work);
}

/** By TLS on both sides. */
async function encrypted(work: (site: Site) => Promise<void>): Promise<void> {
  const authority = await TestAuthority.make();
  try {
    const { cert, key } = await authority.sign(["grpc.test"]);
    const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
    const options = {
      pool: ", protocol: h2, tls: { ca: ca.crt, server_name: grpc.test }",
      files: { "ca.crt": authority.cert },
    };
    const clientOf = ({ https, certificateFile }: ServeProcess) =>
      echoClient(
        `127.0.0.1:${https}`,
        credentials.createSsl(Buffer.from(Deno.readFileSync(certificateFile))),
        { "grpc.ssl_target_name_override": "localhost", "grpc.default_authority": "localhost" },
      );
    // With its default, all roots that it knows, Deno's server would name them to us: more than a handshake may hold.
    const roots = Buffer.from(authority.cert);
    await withGrpc(ServerCredentials.createSsl(roots, [pair]), options, clientOf, work);
  } finally {
    await authority.remove();
  }
}

function unary(client: EchoClient, text: string, options: object = {}): Promise<string> {
  return new Promise((resolve, reject) =>
    client.unary(text, new Metadata(), options, (error, value) => error ? reject(error) : resolve(value!))
  );
}

function all(call: AsyncIterable<string>): Promise<string[]> {
  return Array.fromAsync(call);
}

/** The code that a call fails with. */
function codeOf(call: Promise<unknown>): Promise<number | undefined> {
  return call.then(() => undefined, (error: { code?: number }) => error.code);
}

async function everyKind({ client, backEnd }: Site): Promise<void> {
  assert.equal(await unary(client, "one"), "echo one");
  assert.deepEqual(await all(client.serverStream("s")), ["s 0", "s 1", "s 2", "s 3", "s 4"]);
  const joined = await new Promise<string>((resolve, reject) => {
    const call = client.clientStream((error, value) => error ? reject(error) : resolve(value!));
    for (const text of ["a", "b", "c"]) call.write(text);
    call.end();
  });
  assert.equal(joined, "a,b,c");
  // Each message waits for the answer to the one before: nothing may be held back on either way.
  const both = client.both();
  const answers = both[Symbol.asyncIterator]();
  for (const text of ["x", "y", "z"]) {
    both.write(text);
    assert.equal((await answers.next()).value, `echo ${text}`);
  }
  both.end();
  assert.equal((await answers.next()).done, true);
  const large = "m".repeat(1_000_000);
  assert.equal(await unary(client, large), `echo ${large}`);
  const many = await Promise.all(Array.from({ length: 50 }, (_, i) => unary(client, String(i))));
  assert.deepEqual(many, Array.from({ length: 50 }, (_, i) => `echo ${i}`));
  assert.ok(backEnd.begun >= 52);
}

async function failures({ client, backEnd }: Site): Promise<void> {
  // A response of trailers alone.
  assert.equal(await codeOf(unary(client, FAIL)), status.FAILED_PRECONDITION);
  assert.equal(await codeOf(unary(client, HANG, { deadline: Date.now() + 300 })), status.DEADLINE_EXCEEDED);
  await eventually(() => assert.equal(backEnd.cancelled, 1), PATIENCE);
  const call = client.serverStream(HANG);
  const ended = codeOf(all(call));
  await eventually(() => assert.equal(backEnd.begun, 3), PATIENCE);
  call.cancel();
  assert.equal(await ended, status.CANCELLED);
  await eventually(() => assert.equal(backEnd.cancelled, 2), PATIENCE);
  assert.equal(await unary(client, "on"), "echo on");
}

Deno.test("serve, gRPC in clear: unary, server, client and bidirectional streaming", () => inClear(everyKind));
Deno.test("serve, gRPC by TLS: unary, server, client and bidirectional streaming", () => encrypted(everyKind));
Deno.test("serve, gRPC in clear: status, deadline and cancellation", () => inClear(failures));
Deno.test("serve, gRPC by TLS: status, deadline and cancellation", () => encrypted(failures));

Deno.test("serve, gRPC: what the load balancer answers itself is said in gRPC's way", async () => {
  await inClear(async ({ client, backEnd }) => {
    await backEnd.close();
    assert.equal(await codeOf(unary(client, "one")), status.UNAVAILABLE);
  });
});
