/** Which certificate a client gets, by OpenSSL's own client. */
import assert from "node:assert/strict";
import { answering, RawBackEnd, type ServeOptions, ServeProcess } from "../proxy/harness.ts";
import { filesOf, makePair, type Pair, sClient } from "./openssl.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

const shopEc = await makePair("ec", ["shop.example", "www.shop.example"]);
const shopRsa = await makePair("rsa", ["shop.example"]);
const wild = await makePair("ec", ["*.wild.example"]);
const PAIRS: Readonly<Record<string, Pair>> = { "shop-ec": shopEc, "shop-rsa": shopRsa, wild };

async function withCertificates(options: Partial<ServeOptions>, work: (serve: ServeProcess) => Promise<void>) {
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({
    backEnds: [backEnd.port],
    certificates: Object.keys(PAIRS),
    files: filesOf(PAIRS),
    ...options,
  });
  try {
    await work(serve);
  } finally {
    await serve.stop();
    await backEnd.close();
  }
}

/** Subject and key of the certificate that the client was given. */
async function given(serve: ServeProcess, ...flags: string[]): Promise<string> {
  const said = await sClient(serve.https, GET, "-ign_eof", ...flags);
  const subject = /^subject=(.*)$/m.exec(said)?.[1] ?? "none";
  const type = /Peer signature type: (\S+)/.exec(said)?.[1] ?? "";
  return `${subject} ${type}`.trim();
}

Deno.test("tls: the server name chooses the certificate: exact, wildcard, else the first", async () => {
  await withCertificates({}, async (serve) => {
    assert.match(await given(serve, "-servername", "www.shop.example"), /shop\.example ECDSA/);
    assert.match(await given(serve, "-servername", "SHOP.example"), /shop\.example ECDSA/);
    assert.match(await given(serve, "-servername", "a.wild.example"), /\*\.wild\.example/);
    assert.match(await given(serve, "-servername", "a.b.wild.example"), /localhost/);
    assert.match(await given(serve, "-servername", "unknown.example"), /localhost/);
    assert.match(await given(serve, "-noservername"), /localhost/);
  });
});

Deno.test("tls: of two keys for one name the client's signature algorithms choose", async () => {
  await withCertificates({}, async (serve) => {
    const shop = ["-servername", "shop.example"];
    assert.match(await given(serve, ...shop, "-sigalgs", "ECDSA+SHA256"), /ECDSA/);
    assert.match(await given(serve, ...shop, "-sigalgs", "RSA-PSS+SHA256"), /RSA-PSS/);
    assert.match(await given(serve, ...shop, "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256", "-tls1_2"), /RSA/);
  });
});

Deno.test("tls: strict_sni refuses names that no certificate bears, and clients that name none", async () => {
  await withCertificates({ tls: ", strict_sni: true" }, async (serve) => {
    assert.match(await given(serve, "-servername", "shop.example"), /shop\.example/);
    for (const flags of [["-servername", "unknown.example"], ["-noservername"]]) {
      assert.match(await sClient(serve.https, GET, ...flags), /unrecognized name/);
    }
  });
});

Deno.test("tls: ALPN chooses h2 before http/1.1, and refuses a client that speaks nothing else of ours", async () => {
  await withCertificates({}, async (serve) => {
    assert.match(await sClient(serve.https, GET, "-alpn", "http/1.1,h2"), /ALPN protocol: h2/);
    assert.match(await sClient(serve.https, GET, "-alpn", "http/1.1"), /ALPN protocol: http\/1\.1/);
    assert.match(await sClient(serve.https, GET), /No ALPN negotiated/);
    assert.match(await sClient(serve.https, GET, "-alpn", "h22,h"), /alert no application protocol/);
  });
});

Deno.test("tls: ALPN chooses http/1.1 where HTTP/2 is not wanted", async () => {
  await withCertificates({ config: "proxy: { http2: false }" }, async (serve) => {
    assert.match(await sClient(serve.https, GET, "-alpn", "h2,http/1.1"), /ALPN protocol: http\/1\.1/);
    assert.match(await sClient(serve.https, GET), /No ALPN negotiated/);
    assert.match(await sClient(serve.https, GET, "-alpn", "h2"), /alert no application protocol/);
    assert.match(await sClient(serve.https, GET, "-alpn", "http/1.11,xhttp/1.1"), /alert no application protocol/);
  });
});

Deno.test("tls: the policy modern speaks TLS 1.3 alone", async () => {
  await withCertificates({ tls: ", policy: modern" }, async (serve) => {
    assert.match(await sClient(serve.https, GET, "-tls1_2"), /alert protocol version/);
    assert.match(await sClient(serve.https, GET, "-ign_eof"), /TLSv1\.3.*200 OK/s);
  });
});

Deno.test("tls: without forward secrecy or AEAD there is no connection", async () => {
  await withCertificates({}, async (serve) => {
    for (const cipher of ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384"]) {
      const said = await sClient(serve.https, GET, "-tls1_2", "-cipher", cipher, "-servername", "shop.example");
      assert.match(said, /alert handshake failure/, cipher);
    }
  });
});

Deno.test("tls: redirect_http sends plain HTTP to HTTPS, hsts is said over HTTPS only", async () => {
  const tls = ', redirect_http: true, hsts: "max-age=31536000; includeSubDomains"';
  await withCertificates({ tls }, async (serve) => {
    const ask = (line: string) => serve.raw(`${line} HTTP/1.1\r\nHost: Shop.example:80\r\nConnection: close\r\n\r\n`);
    const location = `location: https://Shop\\.example:${serve.https}/a\\?b=c\r\n`;
    assert.match(await ask("GET /a?b=c"), new RegExp(`^HTTP/1\\.1 301 Moved Permanently\r\n.*${location}`, "s"));
    assert.match(await ask("POST /a?b=c"), new RegExp(`^HTTP/1\\.1 308 Permanent Redirect\r\n.*${location}`, "s"));
    assert.doesNotMatch(await ask("GET /"), /strict-transport-security/);
    const secure = await sClient(serve.https, GET, "-ign_eof");
    assert.match(secure, /strict-transport-security: max-age=31536000; includeSubDomains\r\n/);
  });
});
