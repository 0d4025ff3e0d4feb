/** OCSP responses beside keys in a token: the one of the certificate that was chosen, put there before a thread has the session. */
import assert from "node:assert/strict";
import { answering, RawBackEnd, ServeProcess } from "../proxy/harness.ts";
import { type SignOptions, TestAuthority } from "./authority.ts";
import { filesOf, type Pair, sClient } from "./openssl.ts";
import { keyUri, lacksToken, SoftHsm } from "./soft_hsm.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const RSA = ["rsa:2048"];

interface Site {
  readonly hsm: SoftHsm;
  /** By the certificate's name: its serial number. */
  readonly serials: Readonly<Record<string, string>>;
  /** What OpenSSL's client says. */
  say(name: string, ...flags: string[]): Promise<string>;
  /** The same of one that asks for a response. */
  ask(name: string, ...flags: string[]): Promise<string>;
}

interface Wanted extends SignOptions {
  readonly name: string;
  readonly isInToken: boolean;
  readonly isStapled: boolean;
}

async function withSite(wanted: Readonly<Record<string, Wanted>>, work: (site: Site) => Promise<void>): Promise<void> {
  const authority = await TestAuthority.make();
  const hsm = await SoftHsm.create();
  const module = await hsm.makeSlowModule();
  const [pairs, serials, keys, ocsp]: [Record<string, Pair>, ...Record<string, string>[]] = [{}, {}, {}, {}];
  const bytes: Record<string, Uint8Array> = {};
  for (const [id, { name, isInToken, isStapled, ...options }] of Object.entries(wanted)) {
    const { cert, key, serial } = await authority.sign([name], options);
    pairs[id] = { cert: cert + authority.cert, key };
    serials![id] = serial;
    if (isInToken) {
      await hsm.importKey(id, key);
      pairs[id] = { cert: cert + authority.cert, key: "" };
      keys![id] = keyUri(id);
    }
    if (!isStapled) continue;
    ocsp![id] = `${id}.der`;
    bytes[`${id}.der`] = await authority.ocsp(serial);
  }
  const backEnd = new RawBackEnd(answering(OK));
  const serve = await ServeProcess.start({
    backEnds: [backEnd.port],
    certificates: Object.keys(wanted),
    keys: keys!,
    ocsp: ocsp!,
    bytes,
    tls: hsm.section(module),
    files: filesOf(pairs),
  });
  const say = (name: string, ...flags: string[]) =>
    sClient(serve.https, GET, "-ign_eof", "-servername", name, ...flags);
  const ask = (name: string, ...flags: string[]) => say(name, "-status", ...flags);
  try {
    await work({ hsm, serials: serials!, say, ask });
  } finally {
    assert.equal(await serve.stop(), 0);
    await backEnd.close();
    await authority.remove();
    await hsm.remove();
  }
}

const NONE = /OCSP response: no response sent/;

/** That the response is good and about the certificate of that serial number, and the request was served. */
function assertGood(said: string, serial: string, what: string): void {
  assert.match(said, /OCSP Response Status: successful[\s\S]*Cert Status: good/, what);
  assert.match(said, new RegExp(`Serial Number: 0*${serial}\\b`), what);
  assert.match(said, /200 OK/, what);
}

for (const version of ["-tls1_2", "-tls1_3"]) {
  Deno.test({
    name: `hardware keys: a response goes with its certificate and no other, ${version}`,
    ignore: lacksToken,
    fn: () => {
      const device = { isInToken: true, isStapled: true };
      const wanted = {
        hard: { name: "hard.example", ...device },
        bare: { name: "bare.example", ...device, isStapled: false },
        soft: { name: "soft.example", ...device, isInToken: false },
      };
      return withSite(wanted, async ({ hsm, serials, say, ask }) => {
        const before = hsm.signatures;
        for (let i = 0; i < 5; i++) {
          assertGood(await ask("hard.example", version), serials["hard"]!, "hard");
          assertGood(await ask("soft.example", version), serials["soft"]!, "soft");
          for (const name of ["bare.example", "localhost"]) {
            const said = await ask(name, version);
            assert.match(said, NONE, name);
            assert.match(said, /200 OK/, name);
          }
        }
        assert.equal(hsm.signatures - before, 10, "the token made a signature for each handshake of its two names");
        const unasked = await say("hard.example", version, "-msg");
        assert.match(unasked, /200 OK/);
        assert.doesNotMatch(unasked, /OCSP Response Status|CertificateStatus/);
        if (version === "-tls1_3") {
          const second = await ask("hard.example", version, "-groups", "P-521:X25519");
          assertGood(second, serials["hard"]!, "after a HelloRetryRequest");
        }
      });
    },
  });
}

for (const inToken of ["ec", "rsa", "both"]) {
  Deno.test({
    name: `hardware keys: of two key types for one name the client's is chosen, each with its own response, ${inToken}`,
    ignore: lacksToken,
    fn: () => {
      const of = (type: string, options: SignOptions) => {
        const isInToken = inToken === type || inToken === "both";
        return { name: "shop.example", isInToken, isStapled: true, ...options };
      };
      return withSite({ rsa: of("rsa", { kind: RSA }), ec: of("ec", {}) }, async ({ hsm, serials, ask }) => {
        const cases: readonly (readonly [string, readonly string[]])[] = [
          ["ec", ["-tls1_3"]],
          ["ec", ["-tls1_2"]],
          ["rsa", ["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"]],
          ["ec", ["-tls1_3", "-sigalgs", "RSA-PSS+SHA256:ECDSA+SHA256"]],
          ["rsa", ["-tls1_2", "-sigalgs", "RSA+SHA256"]],
          ["rsa", ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]],
          ["ec", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA256"]],
          // An ECDSA cipher that is none of ours does not count.
          ["rsa", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES256-GCM-SHA384"]],
        ];
        for (const [type, flags] of cases) {
          const before = hsm.signatures;
          assertGood(await ask("shop.example", ...flags), serials[type]!, flags.join(" "));
          const isInToken = inToken === type || inToken === "both";
          assert.equal(hsm.signatures - before, isInToken ? 1 : 0, flags.join(" "));
        }
        assert.match(await ask("shop.example", "-tls1_3", "-sigalgs", "ed25519"), /alert handshake failure/);
      });
    },
  });
}
