import assert from "node:assert/strict";
import { IcmpSocket } from "../../ffi/icmp_socket.ts";

const HOME = "127.0.0.1";
const DATA = Uint8Array.of(1, 2, 3);

Deno.test({
  name: "replies of another identifier take no room from those that are waited for",
  ignore: Deno.uid() !== 0,
  fn() {
    const socket = new IcmpSocket(0xbeef);
    try {
      assert.ok(socket.send(HOME, 0xbeef, 7, DATA));
      // More than a socket's buffer holds.
      for (let i = 0; i < 2000; i++) socket.send(HOME, i, i, DATA);
      assert.ok(socket.send(HOME, 0xbeef, 8, DATA));
      for (const sequence of [7, 8]) {
        const reply = socket.receive();
        assert.deepEqual(reply && { ...reply, data: reply.data.slice() }, {
          from: HOME,
          identifier: 0xbeef,
          sequence,
          data: DATA,
        });
      }
      assert.equal(socket.receive(), undefined);
    } finally {
      socket.close();
    }
  },
});
