import assert from "node:assert/strict";
import fc from "fast-check";
import { BAD, MORE, readProxyHeader, writeProxyHeader } from "../../core/proxy/proxy_header.ts";
import { latin1 } from "./harness.ts";
import "../soak.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

function v2(command: number, family: number, content: readonly number[], length = content.length): Uint8Array {
  return Uint8Array.of(...latin1(SIGNATURE), command, family, length >> 8, length & 255, ...content);
}

const IPV4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
const IPV6 = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 5, ...new Array(16).fill(1), 0, 9, 0, 80];

Deno.test("readProxyHeader() reads version 1", () => {
  const read = (line: string) => readProxyHeader(latin1(line));
  const line = "PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n";
  assert.deepEqual(read(`${line}GET /`), { length: line.length, source: { address: "192.0.2.7", port: 4660 } });
  const six = "PROXY TCP6 2001:DB8:0::5 ::1 9 80\r\n";
  assert.deepEqual(read(six), { length: six.length, source: { address: "2001:db8::5", port: 9 } });
  const mapped = "PROXY TCP6 ::ffff:192.0.2.7 ::1 9 80\r\n";
  assert.deepEqual(read(mapped), { length: mapped.length, source: { address: "192.0.2.7", port: 9 } });
  assert.deepEqual(read("PROXY UNKNOWN\r\n"), { length: 15, source: undefined });
  assert.deepEqual(read("PROXY UNKNOWN a b c\r\n"), { length: 21, source: undefined });
  for (let length = 0; length < line.length; length++) assert.equal(read(line.slice(0, length)), MORE, `${length}`);
});

Deno.test("readProxyHeader() reads version 2, TLVs behind the addresses included", () => {
  assert.deepEqual(readProxyHeader(v2(0x21, 0x11, IPV4)), {
    length: 28,
    source: { address: "192.0.2.7", port: 0x1234 },
  });
  const tlv = [...IPV4, 4, 0, 1, 9];
  assert.deepEqual(readProxyHeader(v2(0x21, 0x11, tlv)), {
    length: 32,
    source: { address: "192.0.2.7", port: 0x1234 },
  });
  assert.deepEqual(readProxyHeader(v2(0x21, 0x21, IPV6)), { length: 52, source: { address: "2001:db8::5", port: 9 } });
  assert.deepEqual(readProxyHeader(v2(0x20, 0, [])), { length: 16, source: undefined });
  assert.deepEqual(readProxyHeader(v2(0x21, 0x31, new Array(216).fill(0))), { length: 232, source: undefined });
  const whole = v2(0x21, 0x11, tlv);
  for (let length = 0; length < whole.length; length++) assert.equal(readProxyHeader(whole.subarray(0, length)), MORE);
});

Deno.test("readProxyHeader() refuses what is no header, as soon as that can be seen", () => {
  const bad = [
    "GET / HTTP/1.1\r\n",
    "P\r\n",
    "PROXY TCP4 192.0.2.7 10.0.0.1 4660\r\n",
    "PROXY TCP4 192.0.2.7 10.0.0.1 4660 80 \r\n",
    "PROXY TCP4 192.0.2.07 10.0.0.1 4660 80\r\n",
    "PROXY TCP4 ::1 ::1 4660 80\r\n",
    "PROXY TCP6 192.0.2.7 10.0.0.1 4660 80\r\n",
    "PROXY TCP4 192.0.2.7 10.0.0.1 65536 80\r\n",
    "PROXY TCP4 192.0.2.7 10.0.0.1 01 80\r\n",
    "PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\n",
    "PROXY  TCP4 192.0.2.7 10.0.0.1 4660 80\r\n",
    "proxy TCP4 192.0.2.7 10.0.0.1 4660 80\r\n",
    `PROXY UNKNOWN ${"x".repeat(100)}`,
    "\r\n\r\nX",
    "\x16\x03\x01",
  ];
  for (const text of bad) assert.equal(readProxyHeader(latin1(text)), BAD, JSON.stringify(text));
  assert.equal(readProxyHeader(v2(0x22, 0x11, IPV4)), BAD, "command");
  assert.equal(readProxyHeader(v2(0x11, 0x11, IPV4)), BAD, "version");
  assert.equal(readProxyHeader(v2(0x21, 0x11, IPV4.slice(1))), BAD, "cut addresses");
  assert.equal(readProxyHeader(v2(0x21, 0x11, [], 65_535)), BAD, "longer than any");
});

Deno.test("readProxyHeader() never throws, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readProxyHeader(bytes)));
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      (bytes) => void readProxyHeader(Uint8Array.of(...latin1(SIGNATURE), ...bytes)),
    ),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => void readProxyHeader(latin1(`PROXY TCP6 ${text}\r\n`))),
  );
});

Deno.test("writeProxyHeader() writes what readProxyHeader() reads", () => {
  const octet = fc.nat(255);
  const endpoint = fc.record({
    address: fc.tuple(octet, octet, octet, octet).map((octets) => octets.join(".")),
    port: fc.nat(65_535),
  }, { noNullPrototype: true });
  fc.assert(fc.property(fc.constantFrom("v1", "v2"), endpoint, endpoint, (version, source, destination) => {
    const bytes = writeProxyHeader(version, source, destination);
    assert.deepEqual(readProxyHeader(bytes), { length: bytes.length, source });
  }));
  for (const version of ["v1", "v2"] as const) {
    const bytes = writeProxyHeader(version, { address: "::1", port: 1 }, { address: "10.0.0.1", port: 80 });
    assert.deepEqual(readProxyHeader(bytes), { length: bytes.length, source: undefined });
  }
});
