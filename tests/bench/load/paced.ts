/**
 * Requests at a constant rate, sent when their time has come and not when the server is ready for them. A latency counts from the time at
 * which the request was due, so that a server that stalls is charged for all who had to wait.
 */
import type { Target } from "./client.ts";
import { type Connection, Connections } from "./connections.ts";

export interface Pace extends Target {
  readonly path: string;
  /** The requests go round over so many. */
  readonly connections: number;
  /** Requests a second, all connections together. */
  readonly rate: number;
  readonly seconds: number;
}

export interface Latencies {
  /** us */
  readonly p50: number;
  readonly p99: number;
  /** How late the generator itself was in sending on a free connection, us. */
  readonly lagP99: number;
  /** Requests a second that were answered, for comparison with the rate asked for. */
  readonly rate: number;
}

/** Before the requests that count come others, for so many seconds. */
const WARM_UP_S = 0.2;
/** After the last request was due the server has so long to answer all, ms. */
const PATIENCE_MS = 2_000;
/** Time between opening the connections and the first request, ms. */
const LEAD_MS = 5;

export function paced({ path, connections: count, rate, seconds, ...target }: Pace): Latencies {
  const connections = new Connections(target, path);
  connections.open(count);
  const warmUp = Math.round(rate * WARM_UP_S);
  const total = warmUp + Math.round(rate * seconds);
  const latencies = new Float64Array(total);
  const lags = new Float64Array(total);
  const spacing = 1000 / rate;
  const start = performance.now() + LEAD_MS;
  let answered = 0;
  let last = start;
  /** The first request whose time has not come. */
  let next = 0;
  connections.all.forEach((connection, index) => connection.request = index);

  const due = (request: number) => start + request * spacing;
  const done = (connection: Connection) => {
    last = performance.now();
    latencies[connection.request] = last - due(connection.request);
    answered++;
    connection.request += count;
    if (connection.request < next) connections.send(connection);
  };

  const end = due(total) + PATIENCE_MS;
  while (answered < total) {
    const now = performance.now();
    if (now > end) break;
    for (; next < total && due(next) <= now; next++) {
      const connection = connections.all[next % count]!;
      if (connection.isBusy) continue;
      lags[next] = performance.now() - due(next);
      connections.send(connection);
    }
    connections.wait(next < total ? Math.max(0, due(next) - performance.now()) : PATIENCE_MS, done);
  }
  // Those never answered waited at least until now.
  for (const connection of connections.all) {
    for (let request = connection.request; request < total; request += count) latencies[request] = end - due(request);
  }
  connections.close();
  const counted = latencies.subarray(warmUp).sort();
  return {
    p50: percentile(counted, 0.5) * 1000,
    p99: percentile(counted, 0.99) * 1000,
    lagP99: percentile(lags.subarray(warmUp).sort(), 0.99) * 1000,
    rate: answered / ((last - start) / 1000),
  };
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
