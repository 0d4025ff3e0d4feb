/** Certificates of a config that expire soon, which is no error yet. */
import type { X509Certificate } from "node:crypto";
import { readableCertificates } from "../certificates/parse.ts";
import { endingOf, endsWithin, endText, nextToEnd } from "../certificates/expiry.ts";
import type { KeyPath } from "./findings.ts";
import { besideConfig } from "./paths.ts";
import { shortened } from "./printable.ts";
import { asList, asMap, read } from "./raw.ts";
import { readText } from "./read.ts";
import type { Rule } from "./rules.ts";
import { path } from "./values.ts";

/** A rule that reports what is to be renewed. @param now ms since 1970 */
export function expiryRule(configFile: string, now: number): Rule {
  return (data, report) => {
    const raw = asMap(data);
    const lookAtAuthority = (name: unknown, at: KeyPath) => {
      const ca = read(path, name);
      if (ca === undefined) return;
      const next = nextToEnd(chainOf(besideConfig(configFile, ca)), now);
      if (next === undefined) return;
      const { subject, validTo } = endingOf(next);
      // That all have expired is an error.
      if (validTo < now || !endsWithin(validTo, now)) return;
      report(at, "CA certificates that are renewed in time", `${shortened(ca)} (${subject}, ${endText(validTo, now)})`);
    };
    lookAtAuthority(asMap(raw["tls"])["client_ca"], ["tls", "client_ca"]);
    asList(raw["pools"]).forEach((pool, i) => {
      lookAtAuthority(asMap(asMap(pool)["tls"])["ca"], ["pools", i, "tls", "ca"]);
    });
    asList(asMap(raw["tls"])["certificates"]).forEach((item, i) => {
      const cert = read(path, asMap(item)["cert"]);
      if (cert === undefined) return;
      chainOf(besideConfig(configFile, cert)).map(endingOf).forEach((ending, link) => {
        // That the server's own has expired is an error, and said as such.
        if (link === 0 && ending.validTo < now) return;
        if (!endsWithin(ending.validTo, now)) return;
        const which = link === 0 ? "" : `certificate ${link + 1} of its chain, ${ending.subject}, `;
        report(
          ["tls", "certificates", i, "cert"],
          "a certificate that is renewed in time",
          `${shortened(cert)} (${which}${endText(ending.validTo, now)})`,
        );
      });
    });
  };
}

/** Those of the file; none where it cannot be read, which is an error of its own. */
function chainOf(file: string): X509Certificate[] {
  try {
    return readableCertificates(readText(file));
  } catch {
    return [];
  }
}
