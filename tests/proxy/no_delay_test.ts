/** Small responses are not held back for the acknowledgement of others: TCP_NODELAY, tcp(7). */
import assert from "node:assert/strict";
import { accept, acceptWithoutDelay, close, listenOn } from "../../ffi/socket.ts";
import { freePorts } from "./harness.ts";

const { getsockopt } = Deno.dlopen("libc.so.6", {
  // int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen)
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
}).symbols;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

Deno.test("acceptWithoutDelay() is handed down to each connection", async () => {
  const port = freePorts(1)[0]!;
  const listener = listenOn("127.0.0.1", port, 8);
  assert.ok(listener >= 0);
  acceptWithoutDelay(listener);
  for (let i = 0; i < 2; i++) {
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    const fd = accept(listener);
    assert.ok(fd >= 0);
    const value = new Int32Array(1);
    const length = new Uint8Array(new Int32Array([4]).buffer);
    assert.equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, new Uint8Array(value.buffer), length), 0);
    assert.equal(value[0], 1);
    close(fd);
    client.close();
  }
  close(listener);
});
