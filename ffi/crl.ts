/**
 * Lists of revoked certificates: RFC 5280 section 5.
 *
 * - `int BIO_write(BIO *b, const void *data, int dlen)`: BIO_read(3ssl)
 * - `X509_CRL *PEM_read_bio_X509_CRL(BIO *bp, X509_CRL **x, pem_password_cb *cb, void *u)`: PEM_read_CMS(3ssl)
 * - `const ASN1_TIME *X509_CRL_get0_nextUpdate(const X509_CRL *crl)`, `void X509_CRL_free(X509_CRL *a)`
 * - `int ASN1_TIME_diff(int *pday, int *psec, const ASN1_TIME *from, const ASN1_TIME *to)`: from NULL is now
 * - `X509_STORE *SSL_CTX_get_cert_store(const SSL_CTX *ctx)`, `int X509_STORE_set_flags(X509_STORE *xs, unsigned long flags)`
 * - `int X509_STORE_add_crl(X509_STORE *xs, X509_CRL *x)`, which takes a reference of its own
 */
import { clearErrors, crypto, loadOpenSsl, queuedErrors } from "./openssl.ts";

function load() {
  const bound = Deno.dlopen("libcrypto.so.3", {
    BIO_write: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
    PEM_read_bio_X509_CRL: { parameters: ["pointer", "pointer", "pointer", "pointer"], result: "pointer" },
    X509_CRL_get0_nextUpdate: { parameters: ["pointer"], result: "pointer" },
    X509_CRL_free: { parameters: ["pointer"], result: "void" },
    ASN1_TIME_diff: { parameters: ["buffer", "buffer", "pointer", "pointer"], result: "i32" },
    X509_STORE_set_flags: { parameters: ["pointer", "u64"], result: "i32" },
    X509_STORE_add_crl: { parameters: ["pointer", "pointer"], result: "i32" },
  }).symbols;
  const tls = Deno.dlopen("libssl.so.3", {
    SSL_CTX_get_cert_store: { parameters: ["pointer"], result: "pointer" },
  }).symbols;
  return { ...bound, ...tls };
}

let lib: ReturnType<typeof load> | undefined;

/** X509_V_FLAG_CRL_CHECK and X509_V_FLAG_CRL_CHECK_ALL: a list is needed of each authority on the way, as nginx and HAProxy have it. */
const CHECK_ALL = 0x4n | 0x8n;
const DAY_S = 86_400;

/** Calls `work` with each X509_CRL of a PEM text, which is freed then; returns how many there were. */
function eachList(pem: Uint8Array<ArrayBuffer>, work: (list: Deno.PointerValue) => void): number {
  loadOpenSsl();
  lib ??= load();
  const bio = crypto.BIO_new(crypto.BIO_s_mem());
  if (bio === null) throw new Error("BIO_new: no memory");
  try {
    // A copy: OpenSSL reads it between calls, where nothing keeps our bytes.
    lib.BIO_write(bio, pem, pem.length);
    for (let count = 0;; count++) {
      clearErrors();
      const list = lib.PEM_read_bio_X509_CRL(bio, null, null, null);
      // Its end queues an error that is none.
      queuedErrors();
      if (list === null) return count;
      try {
        work(list);
      } finally {
        lib.X509_CRL_free(list);
      }
    }
  } finally {
    crypto.BIO_free(bio);
  }
}

/** When each list of a PEM text is to be followed by another: s from now, below 0 where that is past; undefined where it does not say. */
export function timesLeft(pem: Uint8Array<ArrayBuffer>): (number | undefined)[] {
  const times: (number | undefined)[] = [];
  eachList(pem, (list) => {
    const next = lib!.X509_CRL_get0_nextUpdate(list);
    if (next === null) return times.push(undefined);
    const [days, seconds] = [new Int32Array(1), new Int32Array(1)];
    lib!.ASN1_TIME_diff(new Uint8Array(days.buffer), new Uint8Array(seconds.buffer), null, next);
    return times.push(days[0]! * DAY_S + seconds[0]!);
  });
  return times;
}

/** Makes an SSL_CTX refuse who is on a list, and whose authorities have none; false where the text has no list. */
export function refuseRevoked(context: Deno.PointerValue, pem: Uint8Array<ArrayBuffer>): boolean {
  const count = eachList(pem, (list) => lib!.X509_STORE_add_crl(lib!.SSL_CTX_get_cert_store(context), list));
  if (count > 0) lib!.X509_STORE_set_flags(lib!.SSL_CTX_get_cert_store(context), CHECK_ALL);
  return count > 0;
}
