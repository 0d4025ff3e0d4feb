import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { ipToBytes } from "../../core/scheduler/addresses.ts";
import { eachTcpPeer } from "../../ffi/sock_diag.ts";

/** Connections to these come from 127.0.0.1. */
const VIP = "127.0.0.3", OTHER = "127.0.0.4";

function peersOf(local: string): string[] {
  const peers: string[] = [];
  const bytes = ipToBytes(local).subarray(local.includes(":") ? 0 : 12);
  eachTcpPeer(bytes, (peer, at, count, port) => peers.push(`${[...peer.subarray(at, at + count)].join(".")}:${port}`));
  return peers.sort();
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await delay(10);
  assert.ok(holds());
}

Deno.test("eachTcpPeer() names the peers of a local address, those of a server on :: too, and nobody else", async () => {
  for (const hostname of [VIP, "::"]) {
    const server = Deno.listen({ hostname, port: 0 });
    const { port } = server.addr as Deno.NetAddr;
    const clients = await Promise.all([1, 2, 3].map(() => Deno.connect({ hostname: VIP, port })));
    const accepted = await Promise.all([1, 2, 3].map(() => server.accept()));
    const names = clients.map(({ localAddr }) => `127.0.0.1:${(localAddr as Deno.NetAddr).port}`);
    assert.deepEqual(peersOf(VIP), [...names].sort());
    assert.deepEqual(peersOf(OTHER), []);
    clients.pop()!.close();
    accepted.pop()!.close();
    await until(() => peersOf(VIP).length === 2);
    for (const each of [...clients, ...accepted, server]) each.close();
    await until(() => peersOf(VIP).length === 0);
  }
});

Deno.test("eachTcpPeer() names IPv6 peers", async () => {
  const server = Deno.listen({ hostname: "::1", port: 0 });
  const client = await Deno.connect({ hostname: "::1", port: (server.addr as Deno.NetAddr).port });
  const accepted = await server.accept();
  const one = [...Array<number>(15).fill(0), 1].join(".");
  assert.ok(peersOf("::1").includes(`${one}:${(client.localAddr as Deno.NetAddr).port}`));
  for (const each of [client, accepted, server]) each.close();
});

Deno.test("eachTcpPeer() reads dumps of many messages", async () => {
  const COUNT = 500;
  const server = Deno.listen({ hostname: OTHER, port: 0 });
  const { port } = server.addr as Deno.NetAddr;
  const open: Deno.Conn[] = [];
  for (let i = 0; i < COUNT; i++) {
    open.push(await Deno.connect({ hostname: OTHER, port }), await server.accept());
  }
  assert.equal(new Set(peersOf(OTHER)).size, COUNT);
  for (const each of [...open, server]) each.close();
});
