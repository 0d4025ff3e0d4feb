/** Who a client is, through `dlba serve`: forwarded fields that are believed or not, and the PROXY protocol both ways. */
import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { answering, RawBackEnd, type ServeProcess, withServe } from "./harness.ts";
import { Peer } from "./peer.ts";
import { readProxyHeader } from "../../core/proxy/proxy_header.ts";
import { latin1 } from "./harness.ts";
import { sClient } from "../tls/openssl.ts";

/** What it was told of the client last. */
class Told {
  head = "";
  readonly backEnd = new RawBackEnd(answering((head) => {
    this.head = head;
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  }));

  field(name: string): string[] {
    return [...this.head.matchAll(new RegExp(`^${name}: (.*)\r$`, "gim"))].map(([, value]) => value!);
  }
}

const REQUEST = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n";
const FORGED = "X-Forwarded-For: 192.0.2.66\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n" +
  "Forwarded: for=192.0.2.66\r\nX-Real-IP: 192.0.2.66\r\nX_Forwarded_For: 192.0.2.66\r\n" +
  "X-Forwarded-Port: 6666\r\nX-Forwarded-Ssl: on\r\nX_Forwarded_Port: 6666\r\n";

Deno.test("identity: what a client says of itself never reaches a back end", async () => {
  const told = new Told();
  await withServe([told.backEnd], { config: "client_identity: { host: true, forwarded: true }" }, async (serve) => {
    await serve.raw(`${REQUEST}${FORGED}\r\n`);
    assert.ok(!/192\.0\.2\.66|evil|6666|ssl/i.test(told.head), told.head);
    assert.deepEqual(told.field("x-forwarded-for"), ["127.0.0.1"]);
    assert.deepEqual(told.field("x-forwarded-proto"), ["http"]);
    assert.deepEqual(told.field("x-forwarded-host"), ["shop.example"]);
    assert.deepEqual(told.field("forwarded"), ['for=127.0.0.1;host="shop.example";proto=http']);
  });
});

const TRUSTED = "client_identity: { trusted: [127.0.0.0/8, 10.1.0.0/16], host: true, forwarded: true }\n" +
  "access_log: { file: access.log }";

Deno.test("identity: a trusted proxy is believed, and the client is the last that it did not trust itself", async () => {
  const told = new Told();
  await withServe([told.backEnd], { config: TRUSTED }, async (serve) => {
    await serve.raw(`${REQUEST}${FORGED}\r\n`);
    assert.deepEqual(told.field("x-forwarded-for"), ["192.0.2.66, 127.0.0.1"]);
    assert.deepEqual(told.field("x-forwarded-proto"), ["https"]);
    assert.deepEqual(told.field("x-forwarded-host"), ["evil"]);
    assert.deepEqual(told.field("forwarded"), ['for=192.0.2.66, for=127.0.0.1;host="shop.example";proto=http']);
    assert.deepEqual(told.field("x-real-ip"), []);
    assert.deepEqual(told.field("x-forwarded-port"), ["6666"]);
    assert.deepEqual(told.field("x.forwarded.port"), ["6666"]);
    const chains: readonly (readonly [chain: string, client: string])[] = [
      ["203.0.113.9, 192.0.2.5, 10.1.2.3", "192.0.2.5"],
      ["10.1.0.1", "10.1.0.1"],
      ["2001:db8::1", "2001:db8::1"],
      ["192.0.2.5, nonsense", "127.0.0.1"],
      ["192.0.2.5, nonsense, 10.1.0.7", "10.1.0.7"],
    ];
    for (const [chain] of chains) await serve.raw(`${REQUEST}X-Forwarded-For: ${chain}\r\n\r\n`);
    await eventually(() => {
      const lines = Deno.readTextFileSync(`${serve.dir}/access.log`).split("\n").slice(0, -1);
      assert.deepEqual(lines.slice(1).map((line) => JSON.parse(line).client), chains.map(([, client]) => client));
    });
  });
});

const PROXIED = "client_identity: { trusted: [127.0.0.1/32], proxy_protocol: { http: true, https: true } }";
const HEADER = "PROXY TCP4 192.0.2.77 10.0.0.1 4660 80\r\n";

/** All that comes back over a connection on which these pieces are sent. */
async function exchange(serve: ServeProcess, ...pieces: string[]): Promise<string> {
  const client = await Peer.connect(serve.http);
  for (const piece of pieces) {
    await client.send(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const rest = await client.rest();
  client.close();
  return rest;
}

Deno.test("PROXY protocol in: its client is the client, in clear and under TLS, whatever pieces it comes in", async () => {
  const told = new Told();
  await withServe([told.backEnd], { config: PROXIED }, async (serve) => {
    assert.match(await exchange(serve, `${HEADER}${REQUEST}\r\n`), /^HTTP\/1\.1 200 /);
    assert.deepEqual(told.field("x-forwarded-for"), ["192.0.2.77"]);
    assert.match(await exchange(serve, HEADER.slice(0, 9), HEADER.slice(9), `${REQUEST}\r\n`), /^HTTP\/1\.1 200 /);
    assert.match(await exchange(serve, `PROXY UNKNOWN\r\n${REQUEST}\r\n`), /^HTTP\/1\.1 200 /);
    assert.deepEqual(told.field("x-forwarded-for"), ["127.0.0.1"]);
    const child = new Deno.Command("curl", {
      args: ["-sk", "--haproxy-protocol", `https://127.0.0.1:${serve.https}/tls`],
    });
    assert.equal(new TextDecoder().decode((await child.output()).stdout), "ok");
    assert.match(told.head, /^GET \/tls /);
  });
});

Deno.test("PROXY protocol in: whoever sends none, or is not trusted, is not served", async () => {
  const told = new Told();
  await withServe([told.backEnd], { config: PROXIED }, async (serve) => {
    assert.doesNotMatch(await exchange(serve, `${REQUEST}\r\n`), /HTTP/);
    assert.doesNotMatch(await exchange(serve, "PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n"), /HTTP/);
    assert.doesNotMatch(await sClient(serve.https, "", "-brief"), /Verification|Protocol version/);
  });
  assert.equal(told.head, "");
  const other = new Told();
  const untrusted = PROXIED.replace("127.0.0.1/32", "10.9.0.0/16");
  await withServe([other.backEnd], { config: untrusted }, async (serve) => {
    assert.doesNotMatch(await exchange(serve, `${HEADER}${REQUEST}\r\n`), /HTTP/);
  });
  assert.equal(other.head, "");
});

for (const version of ["v1", "v2"] as const) {
  Deno.test(`PROXY protocol out, ${version}: each connection to a back end begins by whom it is for`, async () => {
    const begun: Uint8Array[] = [];
    const backEnd = new RawBackEnd(async (connection) => {
      const peer = new Peer(connection);
      const text = await peer.until("\r\n\r\n" + (version === "v2" ? "\0" : ""));
      begun.push(latin1(text + (version === "v2" ? await peer.until("\r\n\r\n") : "")));
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    await withServe([backEnd], { pool: `, keepalive: 0, proxy_protocol: ${version}` }, async (serve) => {
      for (let i = 0; i < 2; i++) assert.match(await serve.raw(`${REQUEST}\r\n`), /^HTTP\/1\.1 200 /);
      assert.equal(begun.length, 2);
      for (const bytes of begun) {
        const header = readProxyHeader(bytes);
        if (typeof header === "string") assert.fail(header);
        assert.equal(header.source!.address, "127.0.0.1");
        assert.match(new TextDecoder().decode(bytes.subarray(header.length)), /^GET \/ HTTP/);
      }
    });
  });
}
