/** `dlba serve` before back ends of HTTP/2. */
import assert from "node:assert/strict";
import { withServe } from "../proxy/harness.ts";
import { Http2BackEnd } from "./http2_back_end.ts";

const H2 = { pool: ", protocol: h2" };

Deno.test("serve, back ends of HTTP/2: an HTTP/1.1 client gets their answers", async () => {
  const seen: unknown[] = [];
  const backEnd = await Http2BackEnd.start((stream, headers) => {
    seen.push(headers);
    stream.respond({ ":status": 200, "x-back": "end" });
    stream.end("hello");
  });
  await withServe([backEnd], H2, async (serve) => {
    const response = await fetch(`http://127.0.0.1:${serve.http}/a?b`, { headers: { "x-a": "b" } });
    assert.equal(await response.text(), "hello");
    console.log(seen, response);
  });
});
