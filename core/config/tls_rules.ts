/** Rules about TLS that need more than one value. */
import { asList, asMap, type Raw, read } from "./raw.ts";
import type { Report } from "./rules.ts";
import { poolTlsSchema, tlsSchema } from "./schema.ts";

export function checkTls(raw: Raw, report: Report): void {
  const tls = asMap(raw["tls"]);
  if (tls["client_ca"] === undefined) {
    if (read(tlsSchema.entries.client_auth, tls["client_auth"] ?? "") !== undefined) {
      report(["tls", "client_auth"], "client_ca beside it");
    }
    if (tls["client_crl"] !== undefined) report(["tls", "client_crl"], "client_ca beside it");
    asList(raw["routes"]).forEach((route, i) => {
      if (asMap(route)["client_certificate"] === "required") {
        report(["routes", i, "client_certificate"], "tls.client_ca, which says whose certificates count");
      }
    });
  }
  asList(raw["pools"]).forEach((pool, i) => {
    const tls = read(poolTlsSchema, asMap(pool)["tls"]);
    if (!tls?.verify || tls.server_name !== undefined) return;
    report(["pools", i, "tls"], "server_name, as in the back ends' certificates, or verify: false", "neither");
  });
}
