/** OCSP responses that are sent with certificates: `openssl ocsp` makes them, `openssl s_client -status` sees them. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { FetchedStaple } from "../../core/tls/fetched_staple.ts";
import { FileStaple } from "../../core/tls/file_staple.ts";
import { delay } from "../../core/delay.ts";
import { OcspSubject } from "../../ffi/ocsp.ts";
import { answering, freePorts, fromLatin1, RawBackEnd, type ServeOptions, ServeProcess } from "../proxy/harness.ts";
import { TestAuthority } from "./authority.ts";
import { filesOf, type Pair, sClient } from "./openssl.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const HOUR_MS = 3_600_000;

const authority = await TestAuthority.make();
const [responderPort, silentPort] = freePorts(2) as [number, number];
const shop = await signed("shop.example");
const asked = await signed("asked.example", `http://127.0.0.1:${responderPort}/`);
const silent = await signed("silent.example", `http://127.0.0.1:${silentPort}/`);
globalThis.addEventListener("unload", () => Deno.removeSync(authority.dir, { recursive: true }));

/** A chain of two, as `ocsp` needs it. */
async function signed(name: string, responder?: string): Promise<Pair & { serial: string }> {
  const extensions = responder === undefined ? [] : [`authorityInfoAccess=OCSP;URI:${responder}`];
  const { cert, key, serial } = await authority.sign([name], { extensions });
  return { cert: cert + authority.cert, key, serial };
}

interface Site extends Partial<ServeOptions> {
  /** By name of the certificate: its `ocsp` key. */
  readonly ocsp: Readonly<Record<string, string>>;
  readonly bytes?: Readonly<Record<string, Uint8Array>>;
}

/** A server whose certificates have the names of those files. */
async function withSite({ ocsp, bytes = {}, ...options }: Site, work: (serve: ServeProcess) => Promise<void>) {
  const backEnd = new RawBackEnd(answering(OK));
  const certificates = Object.keys(ocsp);
  const files = filesOf({ shop, asked, silent });
  const serve = await ServeProcess.start({ backEnds: [backEnd.port], certificates, ocsp, bytes, files, ...options });
  try {
    await work(serve);
  } finally {
    await serve.stop();
    await backEnd.close();
  }
}

/** What OpenSSL's client says of the response that came with the certificate. */
function status(serve: ServeProcess, name: string, ...flags: string[]): Promise<string> {
  return sClient(serve.https, GET, "-ign_eof", "-status", "-servername", name, ...flags);
}

async function untilStatus(serve: ServeProcess, name: string, wanted: RegExp): Promise<string> {
  let said = "";
  for (let i = 0; i < 150 && !wanted.test(said); i++) {
    said = await status(serve, name);
    if (!wanted.test(said)) await delay(100);
  }
  assert.match(said, wanted);
  return said;
}

const GOOD = /OCSP Response Status: successful[\s\S]*Cert Status: good/;
const NONE = /OCSP response: no response sent/;

for (const version of ["-tls1_2", "-tls1_3"]) {
  Deno.test(`stapling: a response from a file goes with its certificate and no other, ${version}`, async () => {
    const site = { ocsp: { shop: "shop.der" }, bytes: { "shop.der": await authority.ocsp(shop.serial) } };
    await withSite(site, async (serve) => {
      for (let i = 0; i < 3; i++) {
        const said = await status(serve, "shop.example", version);
        assert.match(said, GOOD);
        assert.match(said, new RegExp(`Serial Number: 0*${shop.serial}\\b`));
        assert.match(said, /200 OK/);
      }
      assert.match(await status(serve, "localhost", version), NONE);
      const unasked = await sClient(serve.https, GET, "-ign_eof", "-servername", "shop.example", version);
      assert.doesNotMatch(unasked, /OCSP Response Status/);
    });
  });
}

Deno.test("stapling: of two key types each has its own response", async () => {
  const rsa = await authority.sign(["shop.example"], { kind: ["rsa:2048"] });
  const files = filesOf({ shop, rsa: { cert: rsa.cert + authority.cert, key: rsa.key } });
  const bytes = { "shop.der": await authority.ocsp(shop.serial), "rsa.der": await authority.ocsp(rsa.serial) };
  await withSite({ ocsp: { shop: "shop.der", rsa: "rsa.der" }, bytes, files }, async (serve) => {
    for (const [algorithms, serial] of [["ECDSA+SHA256", shop.serial], ["RSA-PSS+SHA256", rsa.serial]]) {
      const said = await status(serve, "shop.example", "-sigalgs", algorithms!);
      assert.match(said, new RegExp(`Serial Number: 0*${serial}\\b`), algorithms!);
    }
  });
});

Deno.test("stapling: a new file is taken into service, a bad one is not", async () => {
  const site = { ocsp: { shop: "shop.der" }, bytes: { "shop.der": await authority.ocsp(shop.serial) }, keepsLog: true };
  const producedAt = (said: string) => /Produced At: (.*)/.exec(said)?.[1];
  await withSite(site, async (serve) => {
    const first = producedAt(await status(serve, "shop.example"));
    await Deno.writeFile(`${serve.dir}/shop.der`, await authority.ocsp(asked.serial));
    for (let i = 0; i < 150 && !serve.log.includes("stay"); i++) await delay(100);
    assert.match(
      serve.log,
      /the certificates in service stay: Cannot use the OCSP response .*about another certificate/,
    );
    assert.equal(producedAt(await status(serve, "shop.example")), first);
    await Deno.writeFile(`${serve.dir}/shop.der`, await authority.ocsp(shop.serial));
    for (let i = 0; i < 150 && producedAt(await status(serve, "shop.example")) === first; i++) await delay(100);
    assert.notEqual(producedAt(await status(serve, "shop.example")), first);
  });
});

Deno.test("stapling: fetched from the responder that the certificate names, and kept when that is gone", async () => {
  const responder = await authority.responder(responderPort);
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({
    backEnds: [backEnd.port],
    certificates: ["asked"],
    ocsp: { asked: "fetch" },
    files: filesOf({ asked }),
    keepsLog: true,
  });
  const said = await untilStatus(serve, "asked.example", GOOD);
  assert.match(said, new RegExp(`Serial Number: 0*${asked.serial}\\b`));
  responder.kill("SIGTERM");
  await responder.status;
  await delay(2_200);
  assert.match(await status(serve, "asked.example"), GOOD);
  // What one process fetched the others and the next ones have at once.
  const next = await serve.successor("--take-over");
  await serve.child.status;
  assert.match(await status(next, "asked.example"), GOOD);
  assert.doesNotMatch(serve.log, /no OCSP response/);
  await next.stop();
  await backEnd.close();
});

Deno.test("stapling: a responder that is not there, or never answers, keeps nobody waiting", async () => {
  const hanging = new RawBackEnd(async (connection) => {
    while (await connection.read(new Uint8Array(4096)) !== null);
  }, silentPort);
  await withSite({ ocsp: { asked: "fetch", silent: "fetch" }, keepsLog: true }, async (serve) => {
    for (let i = 0; i < 150 && !(serve.log.includes("no OCSP response") && hanging.accepted > 0); i++) await delay(100);
    assert.match(serve.log, new RegExp(`no OCSP response from http://127\\.0\\.0\\.1:${responderPort}/: `));
    assert.equal(hanging.accepted, 1);
    for (const name of ["asked.example", "silent.example"]) {
      const began = performance.now();
      const said = await status(serve, name);
      assert.match(said, NONE);
      assert.match(said, /200 OK/);
      assert.ok(performance.now() - began < 2_000);
    }
  });
  await hanging.close();
});

Deno.test("FetchedStaple asks again when about half of the time has passed, and sends nothing out of date", async () => {
  const cacheDir = await Deno.makeTempDir();
  const log: string[] = [];
  let now = Date.now();
  let requests = 0;
  let answer: Uint8Array<ArrayBuffer> | undefined = await authority.ocsp(asked.serial);
  const server = Deno.serve({ hostname: "127.0.0.1", port: responderPort, onListen() {} }, async (request) => {
    assert.equal(request.headers.get("content-type"), "application/ocsp-request");
    assert.ok((await request.bytes()).length > 50);
    requests++;
    return answer ? new Response(answer) : new Response("out of order", { status: 500 });
  });
  const options = { cacheDir, now: () => now, log: (line: string) => log.push(line) };
  const staple = new FetchedStaple(new OcspSubject(asked.cert), "AA:BB", options);
  /** Looks until so many requests came and the last of them is over. */
  const settle = async (count: number) => {
    for (let i = 0; i < 500 && (requests < count || !isOver()); i++) {
      staple.look();
      await delay(10);
    }
    staple.look();
    await delay(50);
    assert.equal(requests, count);
  };
  let isOver = () => staple.response !== undefined && existsSync(`${cacheDir}/aabb.der`);
  await settle(1);
  assert.deepEqual(staple.response, answer);
  now += 0.35 * HOUR_MS;
  await settle(1);
  answer = undefined;
  now += 0.3 * HOUR_MS;
  isOver = () => log.length === 1;
  await settle(2);
  assert.match(log.join(), /^no OCSP response from http:\/\/127\.0\.0\.1:\d+\/: HTTP status 500$/);
  now += 61_000;
  await settle(3);
  assert.equal(log.length, 1);
  assert.ok(staple.response, "it is kept until it ends");
  now = Date.now() + 2 * HOUR_MS;
  assert.equal(staple.response, undefined);
  // One that is out of date is not taken.
  answer = await authority.ocsp(asked.serial);
  await settle(4);
  assert.equal(staple.response, undefined);
  staple.close();
  now = Date.now();
  staple.look();
  await delay(50);
  assert.equal(requests, 4);
  const next = new FetchedStaple(new OcspSubject(asked.cert), "AA:BB", options);
  assert.ok(next.response, "from the cache");
  next.close();
  await server.shutdown();
  await Deno.remove(cacheDir, { recursive: true });
});

Deno.test("FileStaple sends nothing out of date, and says so once", async () => {
  const file = await Deno.makeTempFile();
  const log: string[] = [];
  let now = Date.now();
  await Deno.writeFile(file, await authority.ocsp(shop.serial));
  const staple = new FileStaple(file, new OcspSubject(shop.cert), { now: () => now, log: (line) => log.push(line) });
  assert.ok(staple.response);
  now += HOUR_MS + 1_000;
  assert.equal(staple.response, undefined);
  staple.look();
  staple.look();
  assert.deepEqual(log, [`the OCSP response ${file} is out of date and is not sent`]);
  await Deno.remove(file);
});

Deno.test("OcspSubject.read() takes what is about the certificate, signed by its issuer, and good; nothing else", async () => {
  const subject = new OcspSubject(shop.cert);
  const good = await authority.ocsp(shop.serial);
  const { thisUpdate, nextUpdate } = subject.read(good);
  assert.ok(Math.abs(thisUpdate - Date.now()) < 10_000);
  assert.equal(nextUpdate! - thisUpdate, HOUR_MS);
  assert.equal(subject.read(await authority.ocsp(shop.serial, { digest: "sha256" })).nextUpdate! > Date.now(), true);
  const refuses = (der: Uint8Array<ArrayBuffer>, why: RegExp) =>
    assert.throws(() => subject.read(der), { message: why });
  refuses(await authority.ocsp(asked.serial), /^an OCSP response about another certificate$/);
  refuses(await authority.ocsp(shop.serial, { revoked: [shop.serial] }), /^the certificate's status is revoked$/);
  refuses(new Uint8Array(), /^not an OCSP response in DER$/);
  // ENUMERATED 6: unauthorized.
  refuses(Uint8Array.of(0x30, 3, 0x0a, 1, 6), /^the responder said unauthorized$/);
  const forged = good.slice();
  const producedAt = fromLatin1(good).search(/[0-9]{14}Z/);
  forged[producedAt + 13]! ^= 1;
  refuses(forged, /^its signature cannot be verified: /);
  const other = await TestAuthority.make();
  refuses(await authority.ocsp(shop.serial, { signer: other }), /^its signature cannot be verified: /);
  // A CA of the same name, with another key, about the same serial number.
  const copy = await other.sign(["shop.example"]);
  assert.equal(copy.serial, shop.serial);
  refuses(await other.ocsp(copy.serial), /^an OCSP response about another certificate$/);
  await other.remove();
  for (let cut = 0; cut < good.length; cut += 13) assert.throws(() => subject.read(good.slice(0, cut)));
  subject.close();
  subject.close();
  assert.throws(
    () => new OcspSubject(shop.cert.slice(0, shop.cert.indexOf("-----END") + 25)),
    /issuer is not behind it/,
  );
});
