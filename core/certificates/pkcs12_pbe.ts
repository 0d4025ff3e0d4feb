/** Decrypts what a PKCS#12 file has encrypted by its password: PBES2 (RFC 8018) and the old ways of RFC 7292 appendix C. */
import { Buffer } from "node:buffer";
import forge from "node-forge";
import { type Asn1, binary, bytesOf, contentOf, oidOf, partsOf, sequence, toDer } from "./asn1.ts";

const PBES2 = "1.2.840.113549.1.5.13";
/** Some seconds of work; files have some thousands. */
const MAX_ITERATIONS = 1_000_000;
/** A block of each of the old ciphers. */
const VECTOR_BYTES = 8;

interface Started {
  update(input: forge.util.ByteBuffer): void;
  finish(): boolean;
  readonly output: forge.util.ByteBuffer;
}

interface OldWay {
  readonly keyBytes: number;
  readonly start: (key: string, initialVector: string) => Started;
}

function tripleDes(key: string, iv: string): Started {
  const cipher = forge.cipher.createDecipher("3DES-CBC", key);
  cipher.start({ iv });
  return cipher;
}

function rc2(bits: number): OldWay["start"] {
  return (key, iv) => {
    const cipher = forge.rc2.createDecryptionCipher(key, bits);
    cipher.start(iv);
    return cipher;
  };
}

/** All in CBC mode, keys by SHA-1. */
const OLD_WAYS: Readonly<Record<string, OldWay>> = {
  "1.2.840.113549.1.12.1.3": { keyBytes: 24, start: tripleDes },
  // Two keys: the first one serves again as the third.
  "1.2.840.113549.1.12.1.4": { keyBytes: 16, start: (key, iv) => tripleDes(key + key.slice(0, 8), iv) },
  "1.2.840.113549.1.12.1.5": { keyBytes: 16, start: rc2(128) },
  "1.2.840.113549.1.12.1.6": { keyBytes: 5, start: rc2(40) },
};

/** The file is sound, and this program cannot do what it needs. */
export class Unsupported extends Error {
  override name = "Unsupported";
}

/** Uses of a derived key: RFC 7292 appendix B.3. */
export const KEY_FOR = { encryption: 1, initialVector: 2, mac: 3 } as const;

/**
 * Key of a password: RFC 7292 appendix B.
 *
 * @param password null is none at all, where "" has a terminator
 * @param digest its hash; undefined is SHA-1
 */
export function deriveKey(
  password: string | null,
  salt: string,
  use: typeof KEY_FOR[keyof typeof KEY_FOR],
  iterations: number,
  bytes: number,
  digest?: forge.md.MessageDigest,
): string {
  return forge.pkcs12.generateKey(password, forge.util.createBuffer(salt), use, iterations, bytes, digest).getBytes();
}

/** A count of iterations. Throws {@linkcode Unsupported} when it is a trap. */
export function iterationsOf(count: Asn1 | undefined): number {
  const bytes = Buffer.from(contentOf(count), "latin1");
  const iterations = bytes.length <= 6 ? bytes.readUIntBE(0, bytes.length) : Infinity;
  if (iterations > MAX_ITERATIONS) throw new Unsupported(`more than ${MAX_ITERATIONS} iterations of its password`);
  return iterations;
}

/** @param algorithm AlgorithmIdentifier. Throws {@linkcode Unsupported}, or another error when the password is not its own. */
export function decrypt(algorithm: Asn1, encrypted: Uint8Array, password: string | null): Uint8Array {
  const [name, parameters] = partsOf(algorithm);
  const id = oidOf(name);
  return id === PBES2
    ? decryptPbes2(algorithm, partsOf(parameters), encrypted, password)
    : decryptOld(id, partsOf(parameters), encrypted, password);
}

function decryptPbes2(algorithm: Asn1, parameters: readonly Asn1[], encrypted: Uint8Array, password: string | null) {
  iterationsOf(partsOf(partsOf(parameters[0])[1])[1]);
  const content = forge.asn1.create(
    forge.asn1.Class.UNIVERSAL,
    forge.asn1.Type.OCTETSTRING,
    false,
    binary(encrypted),
  );
  try {
    // RFC 8018 takes bytes; files have those of UTF-8.
    const clear = forge.pki.decryptPrivateKeyInfo(sequence(algorithm, content), forge.util.encodeUtf8(password ?? ""));
    if (clear) return toDer(clear);
  } catch (error) {
    if (error instanceof Error && "supportedOids" in error) throw new Unsupported(`an unknown kind of PBES2`);
    throw error;
  }
  throw new SyntaxError("Cannot decrypt: wrong padding");
}

function decryptOld(id: string, [salt, count]: readonly Asn1[], encrypted: Uint8Array, password: string | null) {
  const way = OLD_WAYS[id];
  if (!way) throw new Unsupported(`the encryption ${id}`);
  const iterations = iterationsOf(count);
  const derive = (use: 1 | 2, bytes: number) => deriveKey(password, contentOf(salt), use, iterations, bytes);
  const cipher = way.start(derive(KEY_FOR.encryption, way.keyBytes), derive(KEY_FOR.initialVector, VECTOR_BYTES));
  cipher.update(forge.util.createBuffer(binary(encrypted)));
  if (!cipher.finish()) throw new SyntaxError("Cannot decrypt: wrong padding");
  return bytesOf(cipher.output.getBytes());
}
