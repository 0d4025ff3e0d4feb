import assert from "node:assert/strict";
import { chooseSigner, type SigningKey } from "../../core/tls/signer_choice.ts";

const P256: SigningKey = { type: "ec", curve: "prime256v1" };
const P384: SigningKey = { type: "ec", curve: "secp384r1" };
const RSA: SigningKey = { type: "rsa", curve: undefined };
const EDWARDS: SigningKey = { type: "ed25519", curve: undefined };

const ECDSA_256 = 0x0403;
const ECDSA_384 = 0x0503;
const PSS = 0x0804;
const PKCS1 = 0x0401;

const CASES: readonly (readonly [
  keys: readonly SigningKey[],
  schemes: readonly number[],
  ciphers: readonly string[] | undefined,
  chosen: SigningKey,
])[] = [
  [[RSA, P256], [ECDSA_256, PSS], undefined, P256],
  [[P256, RSA], [PSS], undefined, RSA],
  [[P384, RSA], [ECDSA_256, PSS], undefined, RSA],
  [[P384, RSA], [ECDSA_384, PSS], undefined, P384],
  // PKCS#1 v1.5 signs no handshake of TLS 1.3: nothing will do, and OpenSSL says so of the first.
  [[RSA, P256], [PKCS1], undefined, P256],
  [[RSA, EDWARDS], [0x0807], undefined, EDWARDS],
  [[RSA, EDWARDS], [ECDSA_256, PSS], undefined, RSA],
  [[RSA, P256], [PKCS1], ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"], RSA],
  [[RSA, P256], [ECDSA_256, PSS], ["ECDHE-RSA-AES128-GCM-SHA256"], RSA],
  [[RSA, P256], [ECDSA_256, PSS], ["ECDHE-ECDSA-AES128-GCM-SHA256"], P256],
  [[RSA, P256], [], ["ECDHE-RSA-AES128-GCM-SHA256"], RSA],
  [[RSA, P256], [], [], P256],
];

for (const [keys, schemes, ciphers, chosen] of CASES) {
  const text = `${schemes.map((each) => each.toString(16)).join() || "no schemes"} and ${
    ciphers ? `ciphers ${ciphers.join()}` : "TLS 1.3"
  }`;
  Deno.test(`chooseSigner() of ${keys.map(({ type }) => type).join()} for ${text} gives ${chosen.type}`, () => {
    const signers = keys.map((key) => ({ key }));
    assert.equal(chooseSigner(signers, { schemes: new Set(schemes), ciphers }).key, chosen);
  });
}
