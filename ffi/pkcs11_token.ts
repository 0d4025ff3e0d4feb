/**
 * Private keys that stay in a device, by PKCS#11 URI (RFC 7512), through OpenSSL's engine (Debian's libengine-pkcs11-openssl):
 * engine(3ssl). Every call here may wait for the device.
 */
import { clearErrors, cString, firstError, loadOpenSsl, queuedErrors } from "./openssl.ts";

function loadEngines() {
  const crypto = Deno.dlopen("libcrypto.so.3", {
    // int OPENSSL_init_crypto(uint64_t opts, const OPENSSL_INIT_SETTINGS *settings)
    OPENSSL_init_crypto: { parameters: ["u64", "pointer"], result: "i32" },
    // ENGINE *ENGINE_by_id(const char *id); int ENGINE_init(ENGINE *e); int ENGINE_finish(ENGINE *e); int ENGINE_free(ENGINE *e)
    ENGINE_by_id: { parameters: ["buffer"], result: "pointer" },
    ENGINE_init: { parameters: ["pointer"], result: "i32" },
    ENGINE_finish: { parameters: ["pointer"], result: "i32" },
    ENGINE_free: { parameters: ["pointer"], result: "i32" },
    // int ENGINE_ctrl_cmd_string(ENGINE *e, const char *cmd_name, const char *arg, int cmd_optional)
    ENGINE_ctrl_cmd_string: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "i32" },
    // EVP_PKEY *ENGINE_load_private_key(ENGINE *e, const char *key_id, UI_METHOD *ui_method, void *callback_data)
    ENGINE_load_private_key: { parameters: ["pointer", "buffer", "pointer", "pointer"], result: "pointer" },
    // const UI_METHOD *UI_null(void)
    UI_null: { parameters: [], result: "pointer" },
    // void EVP_PKEY_free(EVP_PKEY *key); int i2d_PUBKEY(const EVP_PKEY *key, unsigned char **out)
    EVP_PKEY_free: { parameters: ["pointer"], result: "void" },
    i2d_PUBKEY: { parameters: ["pointer", "buffer"], result: "i32" },
  }).symbols;
  const ssl = Deno.dlopen("libssl.so.3", {
    // int SSL_CTX_use_PrivateKey(SSL_CTX *ctx, EVP_PKEY *key)
    SSL_CTX_use_PrivateKey: { parameters: ["pointer", "pointer"], result: "i32" },
  }).symbols;
  return { crypto, ssl };
}

let engines: ReturnType<typeof loadEngines> | undefined;

const OPENSSL_INIT_ENGINE_DYNAMIC = 0x200n;

/** What of the token cannot be used. */
export type TokenPart = "engine" | "module" | "PIN" | "key";

/** The message says why the part cannot be used; it never holds a PIN. */
export class TokenError extends Error {
  override name = "TokenError";

  /** @param subject the module or the URI that it is about */
  constructor(readonly part: TokenPart, message: string, readonly subject = "") {
    super(message);
  }
}

/** A logged-in PKCS#11 module with the keys that were asked of it. */
export class Pkcs11Token {
  #engine: Deno.PointerValue;
  #keys = new Map<string, Deno.PointerValue>();

  /** @param module path of a shared library. Throws {@linkcode TokenError}; the PIN is tried when a key is first asked for. */
  constructor(module: string, pin: string) {
    probe(module);
    loadOpenSsl();
    engines ??= loadEngines();
    engines.crypto.OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC, null);
    queuedErrors();
    clearErrors();
    const engine = engines.crypto.ENGINE_by_id(cString("pkcs11"));
    // Whatever an engine does may leave errors.
    queuedErrors();
    if (engine === null) {
      const command = "apt-get install -y libengine-pkcs11-openssl";
      throw new TokenError("engine", `OpenSSL has no engine "pkcs11": as root run: ${command}`);
    }
    this.#engine = engine;
    const pinBytes = cString(pin);
    // Complaints of the engine would go to stderr by themselves.
    engines.crypto.ENGINE_ctrl_cmd_string(engine, cString("QUIET"), null, 0);
    const isSet = engines.crypto.ENGINE_ctrl_cmd_string(engine, cString("MODULE_PATH"), cString(module), 0) === 1 &&
      engines.crypto.ENGINE_ctrl_cmd_string(engine, cString("PIN"), pinBytes, 0) === 1;
    pinBytes.fill(0);
    if (isSet && engines.crypto.ENGINE_init(engine) === 1) return;
    const why = firstError();
    engines.crypto.ENGINE_free(engine);
    throw new TokenError("module", why, module);
  }

  /** Makes the key that of a context (SSL_CTX), which keeps it; false when the context's certificate is of another one. */
  useIn(context: Deno.PointerValue, uri: string): boolean {
    return engines!.ssl.SSL_CTX_use_PrivateKey(context, this.#key(uri)) === 1;
  }

  /** The public half, as SubjectPublicKeyInfo in DER (RFC 5280 section 4.1). Throws {@linkcode TokenError}. */
  publicKey(uri: string): Uint8Array<ArrayBuffer> {
    const key = this.#key(uri);
    const length = engines!.crypto.i2d_PUBKEY(key, null);
    queuedErrors();
    if (length <= 0) throw new TokenError("key", "without its public half", uri);
    const der = new Uint8Array(length);
    const address = new BigUint64Array([Deno.UnsafePointer.value(Deno.UnsafePointer.of(der))]);
    engines!.crypto.i2d_PUBKEY(key, address);
    return der;
  }

  /** An EVP_PKEY that belongs to the token: asked for once, whatever happens to the device. Throws {@linkcode TokenError}. */
  #key(uri: string): Deno.PointerValue {
    const known = this.#keys.get(uri);
    if (known !== undefined) return known;
    queuedErrors();
    clearErrors();
    // Nobody is there to be asked for a PIN.
    const key = engines!.crypto.ENGINE_load_private_key(this.#engine, cString(uri), engines!.crypto.UI_null(), null);
    queuedErrors();
    if (key === null) throw whyNoKey(firstError(), uri);
    this.#keys.set(uri, key);
    return key;
  }

  /** Contexts that use the keys keep them. */
  close(): void {
    for (const key of this.#keys.values()) engines!.crypto.EVP_PKEY_free(key);
    this.#keys.clear();
    queuedErrors();
    if (this.#engine === null) return;
    engines!.crypto.ENGINE_finish(this.#engine);
    engines!.crypto.ENGINE_free(this.#engine);
    this.#engine = null;
  }
}

function whyNoKey(reason: string, uri: string): TokenError {
  if (/pin/i.test(reason)) return new TokenError("PIN", reason);
  if (/module/i.test(reason)) return new TokenError("module", reason);
  return new TokenError("key", reason === "object not found" ? "not found in a token" : reason, uri);
}

/**
 * The engine loads a module only when a key is asked for, and complains on stderr. It stays loaded: a module that runs threads of its
 * own does not bear to be unloaded.
 */
function probe(module: string): void {
  try {
    Deno.dlopen(module, { C_GetFunctionList: { parameters: ["pointer"], result: "u64" } });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const isMissing = /No such file/.test(text);
    throw new TokenError("module", isMissing ? "no such file" : "not a PKCS#11 module", module);
  }
}
