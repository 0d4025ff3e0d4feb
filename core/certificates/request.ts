/** Requests for certificates: PKCS#10, RFC 2986. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { bits, context, fromDer, integer, oid, sequence, set, toDer } from "./asn1.ts";
import { extensions } from "./extensions.ts";
import { commonNameOf } from "./host_names.ts";
import { signature, signatureAlgorithm } from "./keys.ts";
import { toPem } from "./pem.ts";
import { distinguishedName } from "./subject.ts";

/** RFC 2985 section 5.4.2. */
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const VERSION_1 = 0;

/** PEM of a request for a server's certificate. @param hosts DNS names and IP addresses, one or more */
export function makeRequest(hosts: readonly string[], key: KeyObject): string {
  const wanted = extensions({ usages: ["serverAuth"], names: hosts, isRsa: key.asymmetricKeyType === "rsa" });
  const content = sequence(
    integer(VERSION_1),
    distinguishedName(commonNameOf(hosts)),
    fromDer(createPublicKey(key).export({ type: "spki", format: "der" })),
    context(0, sequence(oid(EXTENSION_REQUEST), set(wanted))),
  );
  const signed = bits(signature(key, toDer(content)));
  return toPem("CERTIFICATE REQUEST", toDer(sequence(content, signatureAlgorithm(key), signed)));
}
