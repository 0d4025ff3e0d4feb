/** The bar of an idle kept-alive TLS connection. */
import { type IdleOptions, idleRows, measureIdle } from "../idle.ts";
import { bar, type Found, median } from "../report.ts";

/** Their clients live in processes of the bench, with memory of their own. */
const CONNECTIONS = 2_000;
const LIMIT = 1.0;

export async function measureIdleTls(options: IdleOptions): Promise<Found> {
  const bytes = await measureIdle({ ...options, connections: CONNECTIONS, tls: "ecdsa" });
  const ratios = bytes.ours.map((ours, round) => ours / bytes.haproxy[round]!);
  return {
    rows: idleRows("tls", bytes),
    bars: [bar("tls.idle_connection_vs_haproxy", median(ratios), LIMIT, "lower")],
  };
}
