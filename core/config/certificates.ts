/** Whether the certificates that a config names can be used. */
import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { hasPassword } from "../certificates/key_text.ts";
import { parseCertificate } from "../certificates/parse.ts";
import { isKeyUri } from "../tls/key_uri.ts";
import { besideConfig } from "./paths.ts";
import { shortened } from "./printable.ts";
import { asList, asMap, read } from "./raw.ts";
import { readText, Unreadable } from "./read.ts";
import type { Rule } from "./rules.ts";
import { path } from "./values.ts";

/** OpenSSL serves with nothing less at its level 2: SSL_CTX_set_security_level(3ssl). */
const MIN_RSA_BITS = 2048;

/** A rule that reports files that are missing, unreadable, too weak, not of each other, or out of date. @param now ms since 1970 */
export function certificateRule(configFile: string, now: number): Rule {
  return (data, report) => {
    asList(asMap(asMap(data)["tls"])["certificates"]).forEach((item, i) => {
      const at = ["tls", "certificates", i];
      const { cert, key } = asMap(item);
      const certificate = load(configFile, cert, parseCertificate, (found) => {
        report([...at, "cert"], "a readable PEM certificate", found);
      });
      // A key in a device has a rule of its own.
      const privateKey = typeof key === "string" && isKeyUri(key)
        ? undefined
        : load(configFile, key, privateKeyOf, (found) => {
          report([...at, "key"], "a readable PEM key without password", found);
        });
      if (!certificate) return;
      checkDates(certificate, now, (why) => {
        report([...at, "cert"], "a valid certificate", `${shortened(String(cert))} (${why})`);
      });
      const { modulusLength = MIN_RSA_BITS } = certificate.publicKey.asymmetricKeyDetails ?? {};
      if (modulusLength < MIN_RSA_BITS) {
        report(
          [...at, "cert"],
          `an RSA key of at least ${MIN_RSA_BITS} bits`,
          `${shortened(String(cert))} (${modulusLength})`,
        );
      }
      if (privateKey && !certificate.checkPrivateKey(privateKey)) {
        report([...at, "key"], `the key of ${shortened(String(cert))}`, `${shortened(String(key))} (another one)`);
      }
    });
  };
}

/** Throws {@linkcode Unreadable} where a password is needed; else Error. */
function privateKeyOf(text: string): KeyObject {
  if (hasPassword(text)) throw new Unreadable("has a password");
  return createPrivateKey(text);
}

/** What the file holds; undefined when it cannot be read, or its name is no path: the schema says that. */
function load<T>(configFile: string, name: unknown, parse: (text: string) => T, failed: (found: string) => void) {
  const file = read(path, name);
  if (file === undefined) return undefined;
  try {
    return parse(readText(besideConfig(configFile, file)));
  } catch (error) {
    failed(`${shortened(file)} (${error instanceof Unreadable ? error.message : "not PEM"})`);
    return undefined;
  }
}

function checkDates({ validFrom, validTo }: X509Certificate, now: number, invalid: (why: string) => void): void {
  if (Date.parse(validTo) < now) invalid(`expired on ${validTo}`);
  if (Date.parse(validFrom) > now) invalid(`not valid before ${validFrom}`);
}
