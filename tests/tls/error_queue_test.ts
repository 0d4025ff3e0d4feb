/** An error that OpenSSL queued for one call was taken for that of the next: a connection broke when a file could not be read. */
import assert from "node:assert/strict";
import { CertificateStore } from "../../core/tls/certificate_store.ts";
import { TlsServer } from "../../core/tls/tls_server.ts";
import { OcspSubject } from "../../ffi/ocsp.ts";
import { accept, close, connectTo, listenOn, socketAddressBytes, WOULD_BLOCK } from "../../ffi/socket.ts";
import { TlsClientContext, TlsPeer } from "../../ffi/tls_client.ts";
import { TlsContext } from "../../ffi/tls_context.ts";
import { TlsSession } from "../../ffi/tls_session.ts";
import { freePorts } from "../proxy/harness.ts";
import { TestAuthority } from "./authority.ts";

Deno.test("what fails beside a connection leaves it as it is", async (t) => {
  const authority = await TestAuthority.make();
  const pair = await authority.sign(["localhost"]);
  const { dir } = authority;
  const files = { cert: `${dir}/${pair.serial}.crt`, key: `${dir}/${pair.serial}.key` };
  const options = { policy: "intermediate", asksForName: false, asksForTicketKeys: false } as const;
  await Deno.writeTextFile(`${dir}/bad`, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  await Deno.writeTextFile(`${dir}/bad2`, authority.cert + await Deno.readTextFile(`${dir}/bad`));
  const bad = `${dir}/bad`;
  const subject = new OcspSubject(pair.cert + authority.cert);
  const [port] = freePorts(1) as [number];
  const listener = listenOn("127.0.0.1", port, 8);
  const store = new CertificateStore({ files: [files], policy: "intermediate", isStrict: false, hasTicketKeys: false });
  const server = new TlsServer(store, undefined, () => {});
  const context = new TlsClientContext({ ca: `${dir}/ca.crt`, verify: true });
  const peer = new TlsPeer(context, "localhost");
  const fd = connectTo(socketAddressBytes("127.0.0.1", port));
  const client = new TlsSession(peer, fd, peer);
  const stream = server.accept(accept(listener), "127.0.0.1");
  const buffer = new Uint8Array(100);
  for (let i = 0; i < 100 && client.handshake() !== 1; i++) assert.equal(stream.read(buffer, 100), WOULD_BLOCK);
  assert.equal(stream.read(buffer, 100), WOULD_BLOCK);
  const failures: readonly (readonly [what: string, attempt: () => void])[] = [
    ["an OCSP response that is none", () => subject.read(Uint8Array.of(0x30, 0x80, 1, 2, 3))],
    ["a chain that is none", () => new OcspSubject("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")],
    ["a certificate that is none", () => new TlsContext({ ...options, certificates: [{ ...files, cert: bad }] })],
    ["a chain with a hole", () => new TlsContext({ ...options, certificates: [{ ...files, cert: `${dir}/bad2` }] })],
    ["a key that is none", () => new TlsContext({ ...options, certificates: [{ ...files, key: bad }] })],
    ["a key of another", () => new TlsContext({ ...options, certificates: [{ ...files, key: `${dir}/ca.key` }] })],
    [
      "authorities of clients that are none",
      () => new TlsContext({ ...options, certificates: [files], clients: { ca: bad, isRequired: true } }),
    ],
    [
      "a file of authorities that is missing",
      () => new TlsContext({ ...options, certificates: [files], clients: { ca: `${dir}/none`, isRequired: true } }),
    ],
    ["authorities of back ends that are none", () => new TlsClientContext({ ca: bad, verify: true })],
  ];
  for (const [what, attempt] of failures) {
    await t.step(what, () => {
      // The flag that the queue may hold errors is down.
      assert.equal(stream.read(buffer, 100), WOULD_BLOCK);
      assert.throws(attempt);
      assert.equal(stream.read(buffer, 100), WOULD_BLOCK);
      assert.equal(client.read(buffer, 100), WOULD_BLOCK);
    });
  }
  assert.equal(client.write(new Uint8Array(3), 3), 3);
  assert.equal(stream.read(buffer, 100), 3);
  client.free();
  close(fd);
  stream.close();
  close(listener);
  peer.close();
  context.close();
  store.close();
  subject.close();
  await authority.remove();
});
