/** The certificates that the proxy processes of this node have in service. */
import { daysLeft } from "../certificates/expiry.ts";
import { publishedCertificates } from "../proxy/certificate_files.ts";
import type { CertificateRow } from "./tables.ts";

/** @param dir the node's run folder @param now ms since 1970 */
export function certificateRows(dir: string, now: number): CertificateRow[] {
  const rows = new Map<string, CertificateRow>();
  for (const published of publishedCertificates(dir).flat()) {
    const key = `${published.fingerprint_sha256} ${published.file}`;
    const processes = (rows.get(key)?.processes ?? 0) + 1;
    rows.set(key, { ...published, days_left: daysLeft(Date.parse(published.valid_to), now), processes });
  }
  return [...rows.values()];
}
