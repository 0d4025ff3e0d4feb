/** Responses with as many fields as are allowed, to which a cookie of ours is added, through `dlba serve`. */
import assert from "node:assert/strict";
import { MAX_FIELDS } from "../../core/proxy/head_block.ts";
import { answering, RawBackEnd, withServe } from "./harness.ts";

Deno.test("serve: a response with the most fields allowed, a session cookie among them, keeps every line", async () => {
  // Set-Cookie and Cache-Control are two further fields; Content-Length stands apart.
  const others = Array.from({ length: MAX_FIELDS - 2 }, (_, i) => `x-${i}: ${i}`);
  const cacheControl = "cache-control: public, max-age=60";
  const length = "content-length: 2";
  const cookies = Array.from({ length: 5 }, (_, i) => `set-cookie: sid=${i}`);
  const heads: Record<string, string[]> = {
    "/first": [cacheControl, "set-cookie: sid=0", ...others],
    "/last": ["set-cookie: sid=0", ...others, cacheControl],
    "/before": ["set-cookie: sid=0", ...others.slice(1), cacheControl, others[0]!],
    "/many": [...cookies, ...others.slice(4), cacheControl],
  };
  const backEnd = new RawBackEnd(
    answering((head) => `HTTP/1.1 200 OK\r\n${length}\r\n${heads[head.split(" ")[1]!]!.join("\r\n")}\r\n\r\nok`),
  );
  const pool = ", persistence: { session_cookies: [sid] }";
  await withServe([backEnd], { pool }, async (serve) => {
    for (const [path, fields] of Object.entries(heads)) {
      const answer = await serve.raw(`GET ${path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`);
      assert.match(answer, /\r\n\r\nok$/, path);
      const lines = answer.split("\r\n\r\n")[0]!.split("\r\n").slice(1);
      const ours = fields.filter((field) => field.startsWith("set-cookie")).map(() => "set-cookie: SpServer=1");
      const expected = [
        ...fields.filter((field) => field !== cacheControl),
        ...ours,
        "cache-control: private, max-age=60",
        length,
        "connection: close",
      ];
      assert.deepEqual(lines.toSorted(), expected.toSorted(), path);
    }
  });
});
