/** The bar of an idle kept-alive TLS connection. */
import { type IdleOptions, idleRows, measureIdle } from "../idle.ts";
import { bar, type Found, median } from "../report.ts";

const LIMIT = 1.0;

export async function measureIdleTls(options: IdleOptions & { readonly idleConnections: number }): Promise<Found> {
  const bytes = await measureIdle({ ...options, connections: options.idleConnections, tls: "ecdsa" });
  const ratios = bytes.ours.map((ours, round) => ours / bytes.haproxy[round]!);
  return {
    rows: idleRows("tls", bytes),
    bars: [bar("tls.idle_connection_vs_haproxy", median(ratios), LIMIT, "lower")],
  };
}
