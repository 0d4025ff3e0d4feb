import assert from "node:assert/strict";
import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { BrotliDecoder } from "../../ffi/brotli.ts";
import { Inflater } from "../../ffi/deflate.ts";
import { Output } from "../../core/speederize/output.ts";
import { Recoding } from "../../core/speederize/recoding.ts";
import { page } from "./pages.ts";
import { withSite } from "./site.ts";

const CODERS = {
  gzip: [gzipSync, gunzipSync],
  deflate: [deflateSync, inflateSync],
  br: [brotliCompressSync, brotliDecompressSync],
} as const;

const PAGE = `${"<p>words and words</p>\n".repeat(20_000)}<img src="/static/a.png">`;
const MOVED = PAGE.replace("/static", "//cdn.example/static");

Deno.test("a page that comes coded all the same is decoded, rewritten and coded again", async () => {
  const pages = Object.fromEntries(
    Object.entries(CODERS).map(([coding, [encode]]) => {
      const body = new Uint8Array(encode(PAGE));
      return [
        `/${coding}`,
        () => new Response(body, { headers: { "content-type": "text/html", "content-encoding": coding } }),
      ];
    }),
  );
  const broken = new Response("<p>not gzip", { headers: { "content-type": "text/html", "content-encoding": "gzip" } });
  await withSite({ ...pages, "/broken": () => broken.clone() }, "", async ({ port, get }) => {
    for (const [coding, [, decode]] of Object.entries(CODERS)) {
      const body = await rawBody(port, `/${coding}`);
      assert.equal(new TextDecoder().decode(decode(body)), MOVED, coding);
    }
    const answer = await get("/broken");
    assert.equal(answer.status, 502);
    await answer.body?.cancel();
    assert.equal(await (await get("/gzip")).text(), MOVED);
  });
  await broken.body?.cancel();
});

/** As it came, chunks put together. */
async function rawBody(port: number, path: string): Promise<Uint8Array> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.0\r\nHost: shop.example\r\n\r\n`));
  const whole = new Uint8Array(await new Response(connection.readable).arrayBuffer());
  let at = 0;
  while (whole[at] !== 13 || whole[at + 1] !== 10 || whole[at + 2] !== 13) at++;
  return whole.subarray(at + 4);
}

Deno.test("Recoding gives the same however its input is split, and flushes what it has", () => {
  const input = new TextEncoder().encode(page(5, 200_000).html);
  for (const [coding, [encode, decode]] of Object.entries(CODERS)) {
    const coded = new Uint8Array(encode(input));
    for (const size of [1, 97, 5_000, coded.length]) {
      const plain = new Output();
      const recoding = new Recoding(coding, { write: (bytes, start, end) => plain.copy(bytes, start, end) }, plain);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < coded.length; at += size) {
        const piece = coded.slice(at, at + size);
        const { bytes, length } = recoding.write(piece, 0, piece.length, at + size >= coded.length);
        pieces.push(bytes.slice(0, length));
      }
      recoding.close();
      recoding.close();
      const output = new Uint8Array(pieces.flatMap((piece) => [...piece]));
      assert.deepEqual(new Uint8Array(decode(output)), input, `${coding} by ${size}`);
    }
  }
});

Deno.test("Inflater reads all members of a gzip file, and nothing behind them", () => {
  const members = [...gzipSync("one, "), ...gzipSync(""), ...gzipSync("two"), 0, 0, 1, 2];
  for (const size of [1, 7, members.length]) {
    const inflater = new Inflater();
    let text = "";
    for (let at = 0; at < members.length; at += size) {
      const piece = Uint8Array.from(members.slice(at, at + size));
      inflater.write(piece, 0, piece.length, at + size >= members.length, (bytes, length) => {
        text += new TextDecoder().decode(bytes.subarray(0, length));
      });
    }
    inflater.close();
    assert.equal(text, "one, two", `${size}`);
  }
});

Deno.test("what is no stream, or ends early, is told", () => {
  const none = () => {};
  for (const make of [() => new Inflater(), () => new BrotliDecoder()]) {
    const broken = make();
    const garbage = new Uint8Array(100).fill(0xff);
    assert.throws(() => broken.write(garbage, 0, garbage.length, true, none), RangeError);
    broken.close();
    const early = make();
    assert.throws(() => early.write(garbage, 0, 0, true, none), /ends early/);
    early.close();
  }
});
