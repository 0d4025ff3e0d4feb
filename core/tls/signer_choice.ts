/**
 * Which of a name's certificates a client can verify, where a key is in a device: OpenSSL chooses by itself, but only on the thread
 * that signs, when the OCSP response must have been put beside the certificate. Pure.
 */
import type { ClientOffer } from "../../ffi/tls_offer.ts";

/** A certificate's key, as far as the choice goes. */
export interface SigningKey {
  /** As "ec" or "rsa". */
  readonly type: string;
  /** Of an "ec" key, as node:crypto names it; undefined for others. */
  readonly curve: string | undefined;
}

/** SignatureScheme values by curve or type of key: RFC 8446 section 4.2.3. */
const SCHEMES: Readonly<Record<string, readonly number[]>> = {
  prime256v1: [0x0403],
  secp384r1: [0x0503],
  secp521r1: [0x0603],
  ed25519: [0x0807],
  ed448: [0x0808],
  rsa: [0x0804, 0x0805, 0x0806],
  "rsa-pss": [0x0809, 0x080a, 0x080b],
};
/** rsa_pkcs1_sha256, 384, 512: in TLS 1.3 they are for certificates alone. */
const RSA_PKCS1 = [0x0401, 0x0501, 0x0601];

/** The first in the order of OpenSSL's own choice, RSA last; where none will do OpenSSL says why of the first one. */
export function chooseSigner<T extends { readonly key: SigningKey }>(signers: readonly T[], offer: ClientOffer): T {
  const inOrder = signers.toSorted((one, other) => Number(one.key.type === "rsa") - Number(other.key.type === "rsa"));
  return inOrder.find(({ key }) => canVerify(key, offer)) ?? inOrder[0]!;
}

function canVerify({ type, curve }: SigningKey, { schemes, ciphers }: ClientOffer): boolean {
  const usable = SCHEMES[curve ?? type] ?? [];
  if (ciphers === undefined) return usable.some((scheme) => schemes.has(scheme));
  const authentication = type.startsWith("rsa") ? "ECDHE-RSA-" : "ECDHE-ECDSA-";
  if (!ciphers.some((name) => name.startsWith(authentication))) return false;
  // RFC 5246 section 7.4.1.4.1: who does not say takes SHA-1, which the ciphers' names do not tell.
  return schemes.size === 0 || [...usable, ...type === "rsa" ? RSA_PKCS1 : []].some((scheme) => schemes.has(scheme));
}
