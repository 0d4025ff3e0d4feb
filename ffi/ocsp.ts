/** OCSP (RFC 6960) about one certificate: whom to ask, the question, and what an answer says. */
import { X509Certificate } from "node:crypto";
import { clearErrors, crypto, firstError, loadOpenSsl, queuedErrors } from "./openssl.ts";

function load() {
  return Deno.dlopen("libcrypto.so.3", {
    // X509 *d2i_X509(X509 **px, const unsigned char **in, long len)
    d2i_X509: { parameters: ["pointer", "buffer", "i64"], result: "pointer" },
    // OCSP_CERTID *OCSP_cert_to_id(const EVP_MD *dgst, const X509 *subject, const X509 *issuer)
    OCSP_cert_to_id: { parameters: ["pointer", "pointer", "pointer"], result: "pointer" },
    OCSP_CERTID_free: { parameters: ["pointer"], result: "void" },
    // STACK_OF(OPENSSL_STRING) *X509_get1_ocsp(X509 *x); void X509_email_free(STACK_OF(OPENSSL_STRING) *sk)
    X509_get1_ocsp: { parameters: ["pointer"], result: "pointer" },
    X509_email_free: { parameters: ["pointer"], result: "void" },
    // OCSP_REQUEST *OCSP_REQUEST_new(void); OCSP_ONEREQ *OCSP_request_add0_id(OCSP_REQUEST *req, OCSP_CERTID *cid), which takes it over
    OCSP_REQUEST_new: { parameters: [], result: "pointer" },
    OCSP_REQUEST_free: { parameters: ["pointer"], result: "void" },
    OCSP_request_add0_id: { parameters: ["pointer", "pointer"], result: "pointer" },
    // int i2d_OCSP_REQUEST(const OCSP_REQUEST *a, unsigned char **out)
    i2d_OCSP_REQUEST: { parameters: ["pointer", "buffer"], result: "i32" },
    // OCSP_RESPONSE *d2i_OCSP_RESPONSE(OCSP_RESPONSE **a, const unsigned char **in, long len)
    d2i_OCSP_RESPONSE: { parameters: ["pointer", "buffer", "i64"], result: "pointer" },
    OCSP_RESPONSE_free: { parameters: ["pointer"], result: "void" },
    // int OCSP_response_status(OCSP_RESPONSE *resp); const char *OCSP_response_status_str(long s)
    OCSP_response_status: { parameters: ["pointer"], result: "i32" },
    OCSP_response_status_str: { parameters: ["i64"], result: "pointer" },
    // OCSP_BASICRESP *OCSP_response_get1_basic(OCSP_RESPONSE *resp)
    OCSP_response_get1_basic: { parameters: ["pointer"], result: "pointer" },
    OCSP_BASICRESP_free: { parameters: ["pointer"], result: "void" },
    // int OCSP_basic_verify(OCSP_BASICRESP *bs, STACK_OF(X509) *certs, X509_STORE *st, unsigned long flags)
    OCSP_basic_verify: { parameters: ["pointer", "pointer", "pointer", "u64"], result: "i32" },
    // int OCSP_resp_find_status(OCSP_BASICRESP *bs, OCSP_CERTID *id, int *status, int *reason, ASN1_GENERALIZEDTIME **revtime,
    //   ASN1_GENERALIZEDTIME **thisupd, ASN1_GENERALIZEDTIME **nextupd)
    OCSP_resp_find_status: {
      parameters: ["pointer", "pointer", "buffer", "pointer", "pointer", "buffer", "buffer"],
      result: "i32",
    },
    // int ASN1_TIME_diff(int *pday, int *psec, const ASN1_TIME *from, const ASN1_TIME *to); from NULL is now
    ASN1_TIME_diff: { parameters: ["buffer", "buffer", "pointer", "pointer"], result: "i32" },
    // X509_STORE *X509_STORE_new(void); int X509_STORE_add_cert(X509_STORE *, X509 *); int X509_STORE_set_flags(X509_STORE *, unsigned long)
    X509_STORE_new: { parameters: [], result: "pointer" },
    X509_STORE_free: { parameters: ["pointer"], result: "void" },
    X509_STORE_add_cert: { parameters: ["pointer", "pointer"], result: "i32" },
    X509_STORE_set_flags: { parameters: ["pointer", "u64"], result: "i32" },
    // OPENSSL_STACK *OPENSSL_sk_new_null(void); int OPENSSL_sk_push(OPENSSL_STACK *, const void *); void OPENSSL_sk_free(OPENSSL_STACK *)
    OPENSSL_sk_new_null: { parameters: [], result: "pointer" },
    OPENSSL_sk_push: { parameters: ["pointer", "pointer"], result: "i32" },
    OPENSSL_sk_free: { parameters: ["pointer"], result: "void" },
    // int OPENSSL_sk_num(const OPENSSL_STACK *); void *OPENSSL_sk_value(const OPENSSL_STACK *, int)
    OPENSSL_sk_num: { parameters: ["pointer"], result: "i32" },
    OPENSSL_sk_value: { parameters: ["pointer", "i32"], result: "pointer" },
  }).symbols;
}

let ocsp: ReturnType<typeof load>;

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** Trust in the issuer is enough, whoever signed it. */
const X509_V_FLAG_PARTIAL_CHAIN = 0x80000n;
const STATUS = ["good", "revoked", "unknown"];
const DAY_S = 86_400;

/** What an answer says of a certificate that is good. ms since 1970. */
export interface OcspAnswer {
  readonly thisUpdate: number;
  /** Undefined when newer information is there all the time. */
  readonly nextUpdate: number | undefined;
}

export class OcspSubject {
  #certificate: Deno.PointerValue;
  #issuer: Deno.PointerValue;
  /** The responder that the certificate names. */
  readonly url: string | undefined;

  /** @param chain PEM, the certificate first and its issuer behind it. Throws Error when there is none. To be closed. */
  constructor(chain: string) {
    loadOpenSsl();
    ocsp ??= load();
    const [certificate, ...others] = (chain.match(PEM) ?? []).map((pem) => new X509Certificate(pem));
    const issuer = certificate && [...others, certificate].find((other) => certificate.checkIssued(other));
    if (!issuer) throw new Error("the certificate of its issuer is not behind it");
    queuedErrors();
    this.#certificate = parseX509(certificate.raw);
    this.#issuer = parseX509(issuer.raw);
    this.url = responderOf(this.#certificate);
  }

  /** DER of an OCSPRequest. */
  request(): Uint8Array<ArrayBuffer> {
    const request = ocsp.OCSP_REQUEST_new();
    try {
      ocsp.OCSP_request_add0_id(request, ocsp.OCSP_cert_to_id(null, this.#certificate, this.#issuer));
      const bytes = new Uint8Array(ocsp.i2d_OCSP_REQUEST(request, null));
      pointingTo(bytes, (pointer) => ocsp.i2d_OCSP_REQUEST(request, pointer));
      return bytes;
    } finally {
      ocsp.OCSP_REQUEST_free(request);
      queuedErrors();
    }
  }

  /**
   * Takes an OCSPResponse in DER apart. Throws Error when it is none, is not about this certificate, is signed by somebody else, or
   * does not say that it is good. Whether it is still valid remains to be looked at.
   */
  read(der: Uint8Array<ArrayBuffer>): OcspAnswer {
    queuedErrors();
    clearErrors();
    // Whatever comes of it: an error that stays in the queue would be taken for a connection's.
    queuedErrors();
    const response = pointingTo(der, (pointer) => ocsp.d2i_OCSP_RESPONSE(null, pointer, BigInt(der.length)));
    if (response === null) throw new Error("not an OCSP response in DER");
    let basic: Deno.PointerValue = null;
    try {
      const status = ocsp.OCSP_response_status(response);
      if (status !== 0) throw new Error(`the responder said ${text(ocsp.OCSP_response_status_str(BigInt(status)))}`);
      basic = ocsp.OCSP_response_get1_basic(response);
      if (basic === null) throw new Error("not a basic OCSP response");
      const answer = this.#find(basic);
      this.#verify(basic);
      return answer;
    } finally {
      ocsp.OCSP_BASICRESP_free(basic);
      ocsp.OCSP_RESPONSE_free(response);
    }
  }

  #find(basic: Deno.PointerValue): OcspAnswer {
    const status = new Int32Array(1);
    const thisUpdate = new BigUint64Array(1);
    const nextUpdate = new BigUint64Array(1);
    // The certificate is named by hashes: SHA-1 is what most use, RFC 5019 section 2.1.1.
    for (const digest of [null, crypto.EVP_sha256()]) {
      const id = ocsp.OCSP_cert_to_id(digest, this.#certificate, this.#issuer);
      const isFound = ocsp.OCSP_resp_find_status(
        basic,
        id,
        bytesOf(status),
        null,
        null,
        bytesOf(thisUpdate),
        bytesOf(nextUpdate),
      );
      ocsp.OCSP_CERTID_free(id);
      if (isFound !== 1) continue;
      if (status[0] !== 0) throw new Error(`the certificate's status is ${STATUS[status[0]!] ?? status[0]}`);
      return { thisUpdate: timeOf(thisUpdate[0]!)!, nextUpdate: timeOf(nextUpdate[0]!) };
    }
    throw new Error("an OCSP response about another certificate");
  }

  #verify(basic: Deno.PointerValue): void {
    const store = ocsp.X509_STORE_new();
    const certificates = ocsp.OPENSSL_sk_new_null();
    try {
      ocsp.X509_STORE_add_cert(store, this.#issuer);
      ocsp.X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
      ocsp.OPENSSL_sk_push(certificates, this.#issuer);
      if (ocsp.OCSP_basic_verify(basic, certificates, store, 0n) !== 1) {
        throw new Error(`its signature cannot be verified: ${firstError()}`);
      }
    } finally {
      ocsp.OPENSSL_sk_free(certificates);
      ocsp.X509_STORE_free(store);
    }
  }

  /** A second call does nothing. */
  close(): void {
    crypto.X509_free(this.#certificate);
    crypto.X509_free(this.#issuer);
    this.#certificate = this.#issuer = null;
  }
}

function parseX509(der: Uint8Array): Deno.PointerValue {
  const bytes = Uint8Array.from(der);
  const certificate = pointingTo(bytes, (pointer) => ocsp.d2i_X509(null, pointer, BigInt(bytes.length)));
  if (certificate === null) throw new Error(`d2i_X509: ${firstError()}`);
  return certificate;
}

function responderOf(certificate: Deno.PointerValue): string | undefined {
  const urls = ocsp.X509_get1_ocsp(certificate);
  if (urls === null) return undefined;
  const all = Array.from({ length: ocsp.OPENSSL_sk_num(urls) }, (_, i) => text(ocsp.OPENSSL_sk_value(urls, i)));
  ocsp.X509_email_free(urls);
  return all.find((url) => /^https?:\/\//i.test(url));
}

/** Of a call that is running: an address alone keeps nothing from being collected. */
const pinned = new Set<Uint8Array>();

/** Calls with an `unsigned char *` that points to the bytes, for functions that move it. */
function pointingTo<T>(bytes: Uint8Array<ArrayBuffer>, call: (pointer: Uint8Array<ArrayBuffer>) => T): T {
  pinned.add(bytes);
  try {
    return call(bytesOf(new BigUint64Array([Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes))])));
  } finally {
    pinned.delete(bytes);
  }
}

function bytesOf(array: BigUint64Array<ArrayBuffer> | Int32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer);
}

function text(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : new Deno.UnsafePointerView(pointer).getCString();
}

/** ms since 1970 of an ASN1_TIME at that address; undefined when there is none. */
function timeOf(address: bigint): number | undefined {
  if (address === 0n) return undefined;
  const days = new Int32Array(1);
  const seconds = new Int32Array(1);
  const now = Date.now();
  ocsp.ASN1_TIME_diff(bytesOf(days), bytesOf(seconds), null, Deno.UnsafePointer.create(address));
  return Math.floor(now / 1000) * 1000 + (days[0]! * DAY_S + seconds[0]!) * 1000;
}
