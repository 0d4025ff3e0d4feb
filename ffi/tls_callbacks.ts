/**
 * What OpenSSL asks of us within a handshake: the certificate for a name, the protocol, the key of a ticket. The callbacks are made
 * once, are never closed and never throw. They run within a call of {@linkcode duringCallOf}, on its thread, so that the session they
 * are for is known without a look at pointers.
 *
 * - `int servername_cb(SSL *, int *al, void *arg)`: SSL_CTX_set_tlsext_servername_callback(3ssl)
 * - `int alpn_cb(SSL *, const unsigned char **out, unsigned char *outlen, const unsigned char *in, unsigned int inlen, void *arg)`:
 *   SSL_CTX_set_alpn_select_cb(3ssl)
 * - `int ticket_cb(SSL *, unsigned char name[16], unsigned char iv[16], EVP_CIPHER_CTX *, HMAC_CTX *, int enc)`:
 *   SSL_CTX_set_tlsext_ticket_key_cb(3ssl)
 * - `int password_cb(char *buf, int size, int rwflag, void *u)`: SSL_CTX_set_default_passwd_cb(3ssl)
 * - `void *memcpy(void *, const void *, size_t)`: memcpy(3)
 */
import { crypto, cString, ssl } from "./openssl.ts";
import type { ClientOffer } from "./tls_offer.ts";

const { memcpy } = Deno.dlopen("libc.so.6", {
  memcpy: { parameters: ["buffer", "pointer", "u32"], result: "pointer" },
}).symbols;
const { memcpy: memcpyOut } = Deno.dlopen("libc.so.6", {
  memcpy: { parameters: ["pointer", "buffer", "u32"], result: "pointer" },
}).symbols;

/** A key for session tickets: RFC 5077 section 4. */
export interface TicketKey {
  /** 16 bytes that a ticket bears in clear. */
  readonly name: Uint8Array<ArrayBuffer>;
  /** 32 bytes each. */
  readonly aes: Uint8Array<ArrayBuffer>;
  readonly hmac: Uint8Array<ArrayBuffer>;
}

/** Keys of the array, by time. */
export interface TicketKeys {
  /** For new tickets. */
  readonly current: TicketKey;
  /** The key of a ticket; undefined when it is none of ours, or too old. */
  find(name: Uint8Array): TicketKey | undefined;
}

/** Who answers for a session in its handshake. */
export interface HandshakeOwner {
  /** The SSL_CTX for a server name in lower case, "" without; undefined refuses the handshake. */
  contextFor(serverName: string): Deno.PointerValue | undefined;
  readonly tickets: TicketKeys | undefined;
  /** Clients that ask for HTTP/2 get it. */
  readonly offersHttp2?: boolean;
  /** Of a client: takes over an SSL_SESSION that its server lets it resume. */
  keepSession?(session: Deno.PointerValue): void;
  /** The SSL_CTX to sign with for a name and a client, and whether its key is slow to use; undefined refuses the handshake. */
  signingContextFor?(serverName: string, offer: () => ClientOffer): SigningContext | undefined;
}

export interface SigningContext {
  readonly context: Deno.PointerValue;
  /** The key is in a device: nothing of the context may call back, it is used on a thread. */
  readonly isSlow: boolean;
}

let owner: HandshakeOwner | undefined;

/** Callbacks of the next call of OpenSSL are for this owner. */
export function duringCallOf(next: HandshakeOwner): void {
  owner = next;
}

/** Whose call is running. */
export function ownerOfCall(): HandshakeOwner | undefined {
  return owner;
}

const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_ALERT_FATAL = 2;
const SSL_TLSEXT_ERR_NOACK = 3;
const TLSEXT_NAMETYPE_HOST_NAME = 0;
const TICKET_NAME_BYTES = 16;
const IV_BYTES = 16;
const TLS1_3_VERSION = 0x0304;
const TICKET_FAILED = -1;
const TICKET_UNKNOWN = 0;
const TICKET_GOOD = 1;
const TICKET_GOOD_RENEW = 2;

/** Runs what a callback does; whatever goes wrong in it is an answer of its own, never an exception through C. */
export function guarded(work: () => number, failed: number): number {
  try {
    return work();
  } catch {
    return failed;
  }
}

export const serverNameCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "pointer", "pointer"], result: "i32" },
  (session) =>
    guarded(() => {
      const text = ssl.SSL_get_servername(session, TLSEXT_NAMETYPE_HOST_NAME);
      const name = text === null ? "" : new Deno.UnsafePointerView(text).getCString().toLowerCase();
      const context = owner!.contextFor(name);
      if (context === undefined) return SSL_TLSEXT_ERR_ALERT_FATAL;
      ssl.SSL_set_SSL_CTX(session, context);
      return text === null ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
    }, SSL_TLSEXT_ERR_ALERT_FATAL),
);

/** A protocol to choose: RFC 7301 section 3.1. */
class Protocol {
  /** The name with its length before it. C keeps a pointer into it. */
  readonly entry: Uint8Array<ArrayBuffer>;
  readonly address: Uint8Array<ArrayBuffer>;
  readonly length: Uint8Array<ArrayBuffer>;

  constructor(name: string) {
    this.entry = new TextEncoder().encode(String.fromCharCode(name.length) + name);
    const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.entry)) + 1n;
    this.address = new Uint8Array(new BigUint64Array([address]).buffer);
    this.length = this.entry.slice(0, 1);
  }

  /** Whether it is in {@linkcode offer}, so long a list. */
  isOffered(length: number): boolean {
    for (let at = 0; at < length; at += 1 + offer[at]!) {
      if (this.entry.every((byte, i) => at + i < length && offer[at + i] === byte)) return true;
    }
    return false;
  }
}

const HTTP2 = new Protocol("h2");
const HTTP11 = new Protocol("http/1.1");
/** Longest list that is looked at; a real client offers a few names. */
const MAX_OFFER = 256;
const offer = new Uint8Array(MAX_OFFER);

export const alpnCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "pointer", "pointer", "pointer", "u32", "pointer"], result: "i32" },
  (_session, out, outLength, offered, length) =>
    guarded(() => {
      if (length > MAX_OFFER) return SSL_TLSEXT_ERR_ALERT_FATAL;
      memcpy(offer, offered, length);
      const isHttp2 = owner!.offersHttp2 === true && HTTP2.isOffered(length);
      if (!isHttp2 && !HTTP11.isOffered(length)) return SSL_TLSEXT_ERR_ALERT_FATAL;
      const chosen = isHttp2 ? HTTP2 : HTTP11;
      memcpyOut(out, chosen.address, chosen.address.length);
      memcpyOut(outLength, chosen.length, 1);
      return SSL_TLSEXT_ERR_OK;
    }, SSL_TLSEXT_ERR_ALERT_FATAL),
);

/**
 * How tickets are sealed. Fetched once and never freed: a method that EVP_sha256() and its like name is searched for in each call,
 * crypto(7ossl), four times a ticket, which was 1 % of a resumed handshake.
 */
let algorithms: { readonly cipher: Deno.PointerValue; readonly digest: Deno.PointerValue } | undefined;

function ticketAlgorithms() {
  return algorithms ??= {
    cipher: crypto.EVP_CIPHER_fetch(null, cString("AES-256-CBC"), null),
    digest: crypto.EVP_MD_fetch(null, cString("SHA256"), null),
  };
}

const ticketName = new Uint8Array(TICKET_NAME_BYTES);

function sealTicket(
  { name, aes, hmac }: TicketKey,
  nameOut: Deno.PointerValue,
  iv: Deno.PointerValue,
  encryption: Deno.PointerValue,
  mac: Deno.PointerValue,
): number {
  const { cipher, digest } = ticketAlgorithms();
  memcpyOut(nameOut, name, TICKET_NAME_BYTES);
  const isReady = crypto.RAND_bytes(iv, IV_BYTES) === 1 &&
    crypto.EVP_EncryptInit_ex(encryption, cipher, null, aes, iv) === 1 &&
    crypto.HMAC_Init_ex(mac, hmac, hmac.length, digest, null) === 1;
  return isReady ? TICKET_GOOD : TICKET_FAILED;
}

function openTicket(
  session: Deno.PointerValue,
  keys: TicketKeys,
  name: Deno.PointerValue,
  iv: Deno.PointerValue,
  decryption: Deno.PointerValue,
  mac: Deno.PointerValue,
): number {
  memcpy(ticketName, name, TICKET_NAME_BYTES);
  const key = keys.find(ticketName);
  if (key === undefined) return TICKET_UNKNOWN;
  const { cipher, digest } = ticketAlgorithms();
  const isReady = crypto.HMAC_Init_ex(mac, key.hmac, key.hmac.length, digest, null) === 1 &&
    crypto.EVP_DecryptInit_ex(decryption, cipher, null, key.aes, iv) === 1;
  if (!isReady) return TICKET_FAILED;
  // A TLS 1.3 client uses a ticket once (RFC 8446 section C.4): with none for the next time it would shake hands in full.
  const isLast = key !== keys.current || ssl.SSL_version(session) >= TLS1_3_VERSION;
  return isLast ? TICKET_GOOD_RENEW : TICKET_GOOD;
}

export const ticketCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "pointer", "pointer", "pointer", "pointer", "i32"], result: "i32" },
  (session, name, iv, cipher, mac, isNew) => {
    try {
      const keys = owner!.tickets!;
      if (isNew === 1) return sealTicket(keys.current, name, iv, cipher, mac);
      return openTicket(session, keys, name, iv, cipher, mac);
    } catch {
      return TICKET_FAILED;
    }
  },
);

/** A key with a password cannot be read: nobody is there to type it. */
export const passwordCallback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "i32", "i32", "pointer"], result: "i32" },
  () => -1,
);
