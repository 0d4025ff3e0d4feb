/** Rules about TLS that need more than one value. */
import { asList, asMap, type Raw, read } from "./raw.ts";
import type { Report } from "./rules.ts";
import { poolTlsSchema } from "./schema.ts";

export function checkTls(raw: Raw, report: Report): void {
  asList(raw["pools"]).forEach((pool, i) => {
    const tls = read(poolTlsSchema, asMap(pool)["tls"]);
    if (!tls?.verify || tls.server_name !== undefined) return;
    report(["pools", i, "tls"], "server_name, as in the back ends' certificates, or verify: false", "neither");
  });
}
