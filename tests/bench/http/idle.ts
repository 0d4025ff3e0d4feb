/** The bar of an idle kept-alive connection. */
import { type IdleOptions, idleRows, measureIdle } from "../idle.ts";
import { bar, type Found, median } from "../report.ts";

const CONNECTIONS = 8_000;
const LIMIT_BYTES = 2_048;

export async function measureIdleHttp(options: IdleOptions): Promise<Found> {
  const bytes = await measureIdle({ ...options, connections: CONNECTIONS });
  return {
    rows: idleRows("http", bytes),
    bars: [bar("http.idle_connection_bytes", median(bytes.ours), LIMIT_BYTES, "lower")],
  };
}
