/** Answers that `dlba serve` makes itself, and where OPTIONS of the whole server goes. */
import assert from "node:assert/strict";
import { answering, RawBackEnd, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("own answers: HEAD that is refused with 413 has no body", async () => {
  // The refusal did not look at the method.
  await withServe([new RawBackEnd(answering(OK))], { config: "proxy: { max_body_bytes: 10 }" }, async (serve) => {
    const answer = await serve.raw("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.equal(answer.indexOf("\r\n\r\n"), answer.length - 4);
  });
});

Deno.test("own answers: an error page on a connection that an HTTP/1.0 client keeps says so", async () => {
  // Without the field such a client waits for the end of the connection.
  await withServe([new RawBackEnd(async () => {})], {}, async (serve) => {
    const client = await Peer.connect(serve.http);
    for (let i = 0; i < 2; i++) {
      await client.send("POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
      const { head } = await client.message();
      assert.match(head, /^HTTP\/1\.[01] 50[23] /);
      assert.match(head, /^connection: keep-alive\r$/im);
    }
    client.close();
  });
});

Deno.test("own answers: OPTIONS * goes where the root of its host goes", async () => {
  // The asterisk was taken for a path, which no route of a host matches.
  const targets: string[] = [];
  const backEnd = new RawBackEnd(answering((head) => {
    targets.push(head.split("\r\n")[0]!);
    return OK;
  }));
  await withServe([backEnd], { config: "routes: [{ host: a, path: /, pool: web }]" }, async (serve) => {
    assert.match(await serve.raw("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.1 200 /);
    assert.deepEqual(targets, ["OPTIONS * HTTP/1.1"]);
  });
});
