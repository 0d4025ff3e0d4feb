/** Whether the OCSP responses of a config can be sent, or asked for. */
import { OcspSubject } from "../../ffi/ocsp.ts";
import { isValid } from "../tls/staple_times.ts";
import { FETCH } from "../tls/staples.ts";
import { besideConfig } from "./paths.ts";
import { shortened } from "./printable.ts";
import { asList, asMap, read } from "./raw.ts";
import { readText, Unreadable } from "./read.ts";
import type { Rule } from "./rules.ts";
import { path } from "./values.ts";

/** Longest file, bytes: as of one that is fetched. */
const MAX_BYTES = 65_536;

/** A rule that reports responses that cannot be sent with their certificate. @param now ms since 1970 */
export function ocspRule(configFile: string, now: number): Rule {
  return (data, report) => {
    asList(asMap(asMap(data)["tls"])["certificates"]).forEach((item, i) => {
      const ocsp = read(path, asMap(item)["ocsp"]);
      const cert = read(path, asMap(item)["cert"]);
      if (ocsp === undefined || cert === undefined) return;
      const wrong = whatIsWrong(besideConfig(configFile, cert), ocsp, configFile, now);
      if (wrong === undefined) return;
      const expected = ocsp === FETCH
        ? `a file, as nobody can be asked about ${shortened(cert)}`
        : "an OCSP response in DER that is valid now";
      report(["tls", "certificates", i, "ocsp"], expected, `${shortened(ocsp)} (${wrong})`);
    });
  };
}

function whatIsWrong(cert: string, ocsp: string, configFile: string, now: number): string | undefined {
  const chain = textOf(cert);
  // The certificate's own rule says so.
  if (chain === undefined) return undefined;
  let subject: OcspSubject | undefined;
  try {
    subject = new OcspSubject(chain);
    if (ocsp === FETCH) return subject.url === undefined ? "it names no responder" : undefined;
    return isValid(subject.read(readBytes(besideConfig(configFile, ocsp))), now) ? undefined : "out of date";
  } catch (error) {
    return error instanceof Deno.errors.NotFound
      ? "no such file"
      : error instanceof Error
      ? error.message
      : String(error);
  } finally {
    subject?.close();
  }
}

/** Undefined where there is no PEM certificate. */
function textOf(file: string): string | undefined {
  try {
    const text = readText(file);
    return text.includes("-----BEGIN CERTIFICATE-----") ? text : undefined;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return undefined;
  }
}

function readBytes(file: string): Uint8Array<ArrayBuffer> {
  const { isFile, size } = Deno.statSync(file);
  if (!isFile) throw new Unreadable("no regular file");
  if (size > MAX_BYTES) throw new Unreadable(`${size} bytes, more than ${MAX_BYTES}`);
  return Deno.readFileSync(file);
}
