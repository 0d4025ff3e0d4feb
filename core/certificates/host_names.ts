/** The hosts that a certificate is for, as an operator names them. */
import { isIP } from "node:net";
import { printable } from "../config/printable.ts";
import { isHost } from "../config/values.ts";
import { UsageError } from "../errors.ts";

/** RFC 5280 appendix A.1, ub-common-name. */
const MAX_COMMON_NAME = 64;

/** A DNS name in lower case, `*.` at its beginning allowed, or an IP address in its shortest form. Throws UsageError. */
export function parseHost(text: string): string {
  if (isIP(text) === 6 && !text.includes("%")) return new URL(`http://[${text}]`).hostname.slice(1, -1);
  const host = text.toLowerCase();
  // RFC 6125 section 6.4.3: the asterisk is the whole first label, and not all there is.
  const rest = host.startsWith("*.") ? host.slice(2) : undefined;
  if (rest === undefined ? isHost(host) : isHost(rest) && isIP(rest) === 0 && rest.includes(".")) return host;
  throw new UsageError(`Neither a host name nor an IP address: ${printable(text)}`);
}

/** The hosts without repetitions. Throws UsageError. */
export function parseHosts(texts: readonly string[]): string[] {
  return [...new Set(texts.map(parseHost))];
}

/** For the subject, which is for people: software goes by the alternative names. */
export function commonNameOf(hosts: readonly string[]): string {
  return hosts.find((host) => host.length <= MAX_COMMON_NAME) ?? "server";
}

/** A file's name, without characters that a shell would take for its own. */
export function fileNameOf(host: string): string {
  return host.replace(/^\*/, "wildcard");
}
