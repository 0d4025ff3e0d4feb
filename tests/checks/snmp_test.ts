/** SNMPv2c by its bytes, and against Debian's snmpd. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import fc from "fast-check";
import { delay } from "../../core/delay.ts";
import { processorLoad } from "../../core/checks/processor_load.ts";
import { decodeResponse, encodeGetNext, HR_PROCESSOR_LOAD, isBelow } from "../../core/checks/snmp.ts";
import { freePorts } from "../proxy/harness.ts";
import "../soak.ts";

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
const bytesOf = (text: string) => Uint8Array.from(text.split(" "), (byte) => parseInt(byte, 16));

/** For request 0x1234 of the community "public": hrProcessorLoad.196608 is 7. */
const RESPONSE = bytesOf(
  "30 2d 02 01 01 04 06 70 75 62 6c 69 63 a2 20 02 02 12 34 02 01 00 02 01 00 30 14 30 12 " +
    "06 0d 2b 06 01 02 01 19 03 03 01 02 8c 80 00 02 01 07",
);

Deno.test("encodeGetNext() is the message of RFC 3416", () => {
  assert.equal(
    hex(encodeGetNext("public", 0x1234, HR_PROCESSOR_LOAD)),
    "30 29 02 01 01 04 06 70 75 62 6c 69 63 a1 1c 02 02 12 34 02 01 00 02 01 00 30 10 30 0e " +
      "06 0a 2b 06 01 02 01 19 03 03 01 02 05 00",
  );
});

Deno.test("decodeResponse() takes the variable of the request's response, and of no other", () => {
  assert.deepEqual(decodeResponse(RESPONSE, 0x1234), { oid: [...HR_PROCESSOR_LOAD, 196_608], integer: 7 });
  assert.equal(decodeResponse(RESPONSE, 0x1235), undefined);
  for (let length = 0; length < RESPONSE.length; length++) {
    assert.equal(decodeResponse(RESPONSE.subarray(0, length), 0x1234), undefined);
  }
});

Deno.test("decodeResponse() never throws, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void decodeResponse(bytes, 1)));
  fc.assert(fc.property(fc.nat(RESPONSE.length - 1), fc.nat(255), (at, byte) => {
    const changed = RESPONSE.slice();
    changed[at] = byte;
    decodeResponse(changed, 0x1234);
  }));
});

Deno.test("isBelow() tells a row of a column from the next column", () => {
  assert.ok(isBelow([...HR_PROCESSOR_LOAD, 1], HR_PROCESSOR_LOAD));
  assert.ok(!isBelow(HR_PROCESSOR_LOAD, HR_PROCESSOR_LOAD));
  assert.ok(!isBelow([1, 3, 6, 1, 2, 1, 25, 3, 4, 1, 2, 1], HR_PROCESSOR_LOAD));
});

Deno.test("processorLoad() is undefined where nobody answers, or with bytes that are no answer", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
  socket.on("message", (_, from) => socket.send(RESPONSE.subarray(0, 20), from.port, from.address));
  const { port } = socket.address();
  const target = { address: "127.0.0.1", port, community: "public" };
  assert.equal(await processorLoad(target, AbortSignal.timeout(300)), undefined);
  socket.close();
  assert.equal(await processorLoad(target, AbortSignal.timeout(300)), undefined);
});

Deno.test("processorLoad() is the average of the processors that Debian's snmpd tells of", async () => {
  const dir = await Deno.makeTempDir({ prefix: "dlba-test-" });
  const [port] = freePorts(1);
  // The agent knows the load of its own machine only after a minute: the values are given, the protocol is its own.
  const column = `.${HR_PROCESSOR_LOAD.join(".")}`;
  const conf = [
    `agentaddress udp:127.0.0.1:${port}`,
    "rocommunity secret 127.0.0.1",
    `override ${column}.196608 integer 20`,
    `override ${column}.196609 integer 50`,
  ];
  await Deno.writeTextFile(`${dir}/snmpd.conf`, `${conf.join("\n")}\n`);
  const args = [
    "-f",
    "-C",
    "-c",
    `${dir}/snmpd.conf`,
    "-Lf",
    `${dir}/log`,
    "-p",
    `${dir}/pid`,
  ];
  const env = { SNMP_PERSISTENT_DIR: dir, MIBS: "" };
  const child = new Deno.Command("snmpd", { args, env, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  try {
    const target = { address: "127.0.0.1", port: port!, community: "secret" };
    let load: number | undefined;
    // It takes a moment to begin.
    for (let i = 0; i < 100 && load === undefined; i++) {
      load = await processorLoad(target, AbortSignal.timeout(500));
      await delay(50);
    }
    assert.equal(load, 35);
    assert.equal(await processorLoad({ ...target, community: "other" }, AbortSignal.timeout(300)), undefined);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(dir, { recursive: true });
  }
});
