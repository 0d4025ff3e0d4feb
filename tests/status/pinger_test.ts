import assert from "node:assert/strict";
import type { EchoReply } from "../../ffi/icmp_socket.ts";
import { Pinger } from "../../core/status/pinger.ts";

type Echo = EchoReply & { readonly to: string };

/** What is sent waits in `sent`; what is put into `replies` comes. */
function fakeSocket() {
  const sent: Echo[] = [], replies: EchoReply[] = [];
  return {
    sent,
    replies,
    send(to: string, identifier: number, sequence: number, data: Uint8Array) {
      sent.push({ from: to, to, identifier, sequence, data: data.slice() });
      return true;
    },
    receive: () => replies.shift(),
    close() {},
  };
}

const TARGETS = [{ id: 1, address: "192.0.2.11" }, { id: 2, address: "192.0.2.12" }];

function twoTargets() {
  const socket = fakeSocket(), clock = { now: 1000 };
  const pinger = new Pinger(TARGETS, socket, () => clock.now);
  const tick = () => {
    socket.sent.length = 0;
    pinger.tick();
    clock.now += 100;
    return [...socket.sent];
  };
  return { socket, pinger, tick };
}

Deno.test("Pinger counts pings missed in a row, and when each answered last", () => {
  const { socket, pinger, tick } = twoTargets();
  assert.deepEqual(tick().map(({ to }) => to), TARGETS.map(({ address }) => address));
  assert.equal(pinger.missed(1), 0, "none is missed before one was sent");
  for (let round = 0; round < 3; round++) {
    const [, second] = tick();
    socket.replies.push(second!);
  }
  tick();
  assert.deepEqual([pinger.missed(1), pinger.missed(2)], [4, 0]);
  assert.deepEqual([pinger.heardAt(1), pinger.heardAt(2)], [-Infinity, 1400]);
});

Deno.test("Pinger takes a late answer to an earlier ping, once, in any order", () => {
  const { socket, pinger, tick } = twoTargets();
  const [first] = tick(), [second] = tick();
  tick();
  assert.equal(pinger.missed(1), 2);
  socket.replies.push(second!, first!);
  tick();
  assert.equal(pinger.missed(1), 0);
  for (const old of [first!, second!]) {
    const before = pinger.missed(1);
    socket.replies.push(old);
    tick();
    assert.equal(pinger.missed(1), before + 1, "an answer that is sent again");
  }
});

Deno.test("Pinger believes no answer that it did not ask for", () => {
  const { socket, pinger, tick } = twoTargets();
  const [echo] = tick();
  const forged: EchoReply[] = [
    { ...echo!, from: "192.0.2.99" },
    { ...echo!, identifier: (echo!.identifier + 1) % 65_536 },
    { ...echo!, sequence: echo!.sequence + 100 },
    { ...echo!, sequence: (echo!.sequence + 65_000) % 65_536 },
    { ...echo!, data: echo!.data.slice(1) },
    { ...echo!, data: new Uint8Array(echo!.data.length) },
    { ...echo!, data: new Uint8Array(0) },
  ];
  forged.forEach((reply, i) => {
    socket.replies.push(reply);
    tick();
    assert.equal(pinger.missed(1), i + 1);
  });
});

Deno.test("Pinger goes on when its sequence numbers begin anew", () => {
  const { socket, pinger, tick } = twoTargets();
  for (let round = 0; round < 65_540; round++) {
    const [echo] = tick();
    socket.replies.push(echo!);
  }
  tick();
  assert.equal(pinger.missed(1), 0);
  assert.equal(pinger.missed(2), 65_540);
});
