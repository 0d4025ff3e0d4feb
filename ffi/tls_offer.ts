/** What a client can verify, by its ClientHello, while the certificate for it is not yet chosen: in the callback of tls_suspension.ts. */

function load() {
  return Deno.dlopen("libssl.so.3", {
    // int SSL_version(const SSL *s)
    SSL_version: { parameters: ["pointer"], result: "i32" },
    // int SSL_get_sigalgs(SSL *s, int idx, int *psign, int *phash, int *psignhash, unsigned char *rsig, unsigned char *rhash)
    SSL_get_sigalgs: {
      parameters: ["pointer", "i32", "pointer", "pointer", "pointer", "buffer", "buffer"],
      result: "i32",
    },
    // char *SSL_get_shared_ciphers(const SSL *s, char *buf, int size)
    SSL_get_shared_ciphers: { parameters: ["pointer", "buffer", "i32"], result: "pointer" },
  }).symbols;
}

let symbols: ReturnType<typeof load> | undefined;

const TLS1_3_VERSION = 0x0304;
/** The ciphers of both, by name: at most all of ours. */
const MAX_NAMES = 1024;
const names = new Uint8Array(MAX_NAMES);
const low = new Uint8Array(1);
const high = new Uint8Array(1);

export interface ClientOffer {
  /** SignatureScheme values: RFC 8446 section 4.2.3. None where the client does not say, which only one of TLS 1.2 may. */
  readonly schemes: ReadonlySet<number>;
  /** Names of OpenSSL that both sides have, as `ECDHE-RSA-AES128-GCM-SHA256`; undefined in TLS 1.3, where they say nothing of keys. */
  readonly ciphers: readonly string[] | undefined;
}

/** @param session an SSL object of a server that has read a ClientHello */
export function offerOf(session: Deno.PointerValue): ClientOffer {
  symbols ??= load();
  const count = symbols.SSL_get_sigalgs(session, 0, null, null, null, low, high);
  const schemes = new Set<number>();
  for (let i = 0; i < count; i++) {
    symbols.SSL_get_sigalgs(session, i, null, null, null, low, high);
    schemes.add(high[0]! << 8 | low[0]!);
  }
  if (symbols.SSL_version(session) === TLS1_3_VERSION) return { schemes, ciphers: undefined };
  const text = symbols.SSL_get_shared_ciphers(session, names, MAX_NAMES);
  return { schemes, ciphers: text === null ? [] : new Deno.UnsafePointerView(text).getCString().split(":") };
}
