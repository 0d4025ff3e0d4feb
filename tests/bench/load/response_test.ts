import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ResponseReader } from "./response.ts";

const RESPONSE = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello";

function bytes(text: string): Buffer<ArrayBuffer> {
  return Buffer.from(new TextEncoder().encode(text));
}

function feed(reader: ResponseReader, text: string): boolean {
  return reader.feed(bytes(text), text.length);
}

Deno.test("ResponseReader finds the end, wherever the bytes are split, of one response after the other", () => {
  const reader = new ResponseReader();
  for (let first = 1; first < RESPONSE.length; first++) {
    for (let second = first + 1; second < RESPONSE.length; second++) {
      assert.equal(feed(reader, RESPONSE.slice(0, first)), false);
      assert.equal(feed(reader, RESPONSE.slice(first, second)), false);
      assert.equal(feed(reader, RESPONSE.slice(second)), true);
    }
  }
});

Deno.test("ResponseReader takes only the counted bytes of its buffer", () => {
  assert.equal(new ResponseReader().feed(bytes(`${RESPONSE}left over`), RESPONSE.length), true);
});

Deno.test("ResponseReader refuses what is no answer to the request", () => {
  assert.throws(() => feed(new ResponseReader(), "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), /502/);
  assert.throws(() => feed(new ResponseReader(), "HTTP/1.1 200 OK\r\n\r\n"), /Unexpected response/);
  assert.throws(() => feed(new ResponseReader(), `${RESPONSE}x`), /More bytes/);
});
