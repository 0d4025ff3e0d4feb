/** Whether the keys that a config names by PKCS#11 URI can be used: asked of the device itself. */
import { X509Certificate } from "node:crypto";
import { Pkcs11Token, TokenError } from "../../ffi/pkcs11_token.ts";
import { isKeyUri, pinAttribute } from "../tls/key_uri.ts";
import { readPin } from "../tls/pin_file.ts";
import type { KeyPath } from "./findings.ts";
import { besideConfig } from "./paths.ts";
import { shortened } from "./printable.ts";
import { asList, asMap, read } from "./raw.ts";
import { readText, Unreadable } from "./read.ts";
import type { Report, Rule } from "./rules.ts";
import { pkcs11Schema } from "./schema.ts";
import { path } from "./values.ts";

const AT = ["tls", "pkcs11"];

interface Key {
  readonly uri: string;
  readonly at: KeyPath;
  /** As the config has it. */
  readonly cert: unknown;
}

/** A rule that reports a module, a PIN or a key that cannot be used, and a key of another certificate. */
export function hardwareKeyRule(configFile: string): Rule {
  return (data, report) => {
    const tls = asMap(asMap(data)["tls"]);
    const place = read(pkcs11Schema, tls["pkcs11"]);
    const keys = asList(tls["certificates"]).flatMap((item, i): Key[] => {
      const { cert, key } = asMap(item);
      const isOurs = typeof key === "string" && isKeyUri(key) && pinAttribute(key) === undefined;
      return isOurs ? [{ uri: key, at: ["tls", "certificates", i, "key"], cert }] : [];
    });
    if (place === undefined || keys.length === 0) return;
    const module = besideConfig(configFile, place.module);
    const pin = pinOf(besideConfig(configFile, place.pin_file), place.pin_file, report);
    let token: Pkcs11Token | undefined;
    try {
      // Without its PIN the module can still be looked at.
      token = new Pkcs11Token(module, pin ?? "");
      if (pin !== undefined) checkKeys(keys, token, configFile, report);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      const { part, message } = error;
      if (part === "module") report([...AT, "module"], "a PKCS#11 module", `${shortened(place.module)} (${message})`);
      else if (part === "engine") report(AT, "OpenSSL's engine (apt-get install -y libengine-pkcs11-openssl)", "none");
      else report([...AT, "pin_file"], "the PIN of the token", `${shortened(place.pin_file)} (${message})`);
    } finally {
      token?.close();
    }
  };
}

function pinOf(file: string, name: string, report: Report): string | undefined {
  try {
    return readPin(file);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    report([...AT, "pin_file"], "a file with the PIN, for its owner alone", `${shortened(name)} (${error.message})`);
    return undefined;
  }
}

/** Throws TokenError where the next key would fare no better: a PIN is not to be tried until the token locks. */
function checkKeys(keys: readonly Key[], token: Pkcs11Token, configFile: string, report: Report): void {
  for (const { uri, at, cert } of keys) {
    let publicKey;
    try {
      publicKey = token.publicKey(uri);
    } catch (error) {
      if (!(error instanceof TokenError) || error.part !== "key") throw error;
      report(at, "a key in the token", `${shortened(uri)} (${error.message})`);
      continue;
    }
    const wanted = publicKeyOf(configFile, cert);
    if (
      wanted !== undefined && !(wanted.length === publicKey.length && wanted.every((byte, i) => byte === publicKey[i]))
    ) {
      report(at, `the key of ${shortened(String(cert))}`, `${shortened(uri)} (another one)`);
    }
  }
}

/** Undefined where there is no certificate: another rule says that. */
function publicKeyOf(configFile: string, cert: unknown): Uint8Array | undefined {
  const file = read(path, cert);
  if (file === undefined) return undefined;
  try {
    const { publicKey } = new X509Certificate(readText(besideConfig(configFile, file)));
    return publicKey.export({ type: "spki", format: "der" });
  } catch {
    return undefined;
  }
}
