import assert from "node:assert/strict";
import fc from "fast-check";
import { ipToBytes, isIpv6 } from "../../core/scheduler/addresses.ts";
import { SipHash } from "../../core/scheduler/hash.ts";
import { MemberTable } from "../../core/scheduler/member_table.ts";
import "../soak.ts";

const MASK = 2n ** 64n - 1n;

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** SipHash-2-4 as the paper writes it: slow and plain. */
function plainSipHash(key: Uint8Array, message: Uint8Array): bigint {
  const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & MASK;
  const k0 = littleEndian(key.subarray(0, 8)), k1 = littleEndian(key.subarray(8, 16));
  let v0 = k0 ^ 0x736f6d6570736575n, v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n, v3 = k1 ^ 0x7465646279746573n;
  const round = () => {
    v0 = (v0 + v1) & MASK, v1 = rotate(v1, 13n) ^ v0, v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & MASK, v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK, v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK, v1 = rotate(v1, 17n) ^ v2, v2 = rotate(v2, 32n);
  };
  const padded = new Uint8Array(Math.floor(message.length / 8) * 8 + 8);
  padded.set(message);
  padded[padded.length - 1] = message.length;
  for (let at = 0; at < padded.length; at += 8) {
    const word = littleEndian(padded.subarray(at, at + 8));
    v3 ^= word;
    round(), round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  round(), round(), round(), round();
  return v0 ^ v1 ^ v2 ^ v3;
}

Deno.test("the plain SipHash gives the paper's value (appendix A)", () => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  assert.equal(plainSipHash(key, key.subarray(0, 15)), 0xa129ca6149be45e5n);
});

Deno.test("SipHash agrees with the plain one, for IPv4 and IPv6 clients", () => {
  const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(fc.property(fc.constantFrom(4, 16), sixteen, fc.nat(65535), sixteen, (bytes, address, port, key) => {
    const message = Uint8Array.from([...address.subarray(0, bytes), port >> 8, port & 255]);
    for (const size of [1024, 65_536, 1_048_576, 99_991]) {
      const found = new SipHash(key).client(address, 0, bytes, port, size);
      assert.equal(found, Number(plainSipHash(key, message) % BigInt(size)));
    }
  }));
});

Deno.test("MemberTable finds each of 256 members and nobody else", () => {
  const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
  const macs = fc.uniqueArray(mac, { minLength: 1, maxLength: 256, selector: (bytes) => bytes.join() });
  fc.assert(fc.property(macs, mac, (macs, other) => {
    const table = new MemberTable(new ArrayBuffer(MemberTable.BYTES), 0);
    const seed = table.set(macs.map((mac, node) => ({ node, mac })));
    macs.forEach((mac, node) => assert.equal(table.candidate(mac, 0, seed), node));
    const candidate = table.candidate(other, 0, seed);
    assert.ok(candidate === -1 || candidate < macs.length);
  }));
});

Deno.test("IPv6 addresses as written, and what is none", () => {
  const bytes = (text: string) => [...ipToBytes(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.equal(bytes("2001:db8::10"), "20010db8000000000000000000000010");
  assert.equal(bytes("::"), "0".repeat(32));
  assert.equal(bytes("::1"), "0".repeat(31) + "1");
  assert.equal(bytes("fe80::"), "fe80" + "0".repeat(28));
  assert.equal(bytes("1:2:3:4:5:6:7:8"), "00010002000300040005000600070008");
  assert.equal(bytes("192.0.2.10"), "00000000000000000000ffffc000020a");
  for (const good of ["::", "::1", "1::", "2001:DB8::a", "1:2:3:4:5:6:7:8", "1:2:3::5:6:7:8"]) {
    assert.ok(isIpv6(good), good);
  }
  for (
    const bad of [
      "",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
      "g::",
      "1.2.3.4",
      "::1.2.3.4",
      "1:2:3:4:5:6:7::8",
    ]
  ) {
    assert.ok(!isIpv6(bad), bad);
  }
});
