/**
 * The tables as Prometheus takes them (text format 0.0.4). What is told comes from the array alone: no label from a client, and
 * no more series than nodes, back ends, verdicts and certificates.
 */
import { Counter, Gauge, Registry } from "prom-client";
import { NODE_STATES } from "../scheduler/node_states.ts";
import type { Overview } from "./tables.ts";

type Labels = Record<string, string | number>;
type Sample = readonly [value: number, labels?: Labels];

/** Its values are counted elsewhere and come whole. */
class TotalOf extends Counter {
  constructor(name: string, help: string, readonly samples: readonly Sample[], registry: Registry) {
    super({ name, help, registers: [registry] });
  }

  override get() {
    return Promise.resolve(told(this, "counter", this.samples));
  }
}

class ValueOf extends Gauge {
  constructor(name: string, help: string, readonly samples: readonly Sample[], registry: Registry) {
    super({ name, help, registers: [registry] });
  }

  override get() {
    return Promise.resolve(told(this, "gauge", this.samples));
  }
}

const NO_LABELS: Labels = {};

// deno-lint-ignore no-explicit-any -- prom-client's types name neither its enum of types nor the fields of a metric.
function told(metric: any, type: string, samples: readonly Sample[]): any {
  const { name, help } = metric;
  // Labels that several metrics share are made text of once.
  const values = samples.map(([value, sharedLabels = NO_LABELS]) => ({ value, sharedLabels }));
  return { name, help, type, aggregator: "sum", values };
}

/** @param version of dlba */
export function metricsText(overview: Overview, version: string): Promise<string> {
  const registry = new Registry();
  const value = (name: string, help: string, ...samples: Sample[]) =>
    void new ValueOf(`dlba_${name}`, help, samples, registry);
  const total = (name: string, help: string, ...samples: Sample[]) =>
    void new TotalOf(`dlba_${name}_total`, help, samples, registry);

  value("build_info", "The version that runs, as a label of the value 1.", [1, { version }]);
  arrayMetrics(overview, value, total);
  proxyMetrics(overview, value, total);
  value(
    "certificate_not_after_timestamp_seconds",
    "When a certificate in service ends, seconds since 1970.",
    ...overview.certificates.map(({ file, valid_to }): Sample => [Date.parse(valid_to) / 1000, { file }]),
  );
  return registry.metrics();
}

type Tell = (name: string, help: string, ...samples: Sample[]) => void;

function arrayMetrics(overview: Overview, value: Tell, total: Tell): void {
  const { client_ip_hash_table: table, last_sweep: sweep, server_status: nodes } = overview;
  const schedules = overview.scheduler === overview.node;
  value("schedules", "1 while this node schedules.", [schedules ? 1 : 0]);
  value("election_epoch", "Term of the election that this node knows.", [overview.epoch]);
  if (!schedules) return;
  if (table) {
    value("buckets", "Buckets of the Client IP Hash Table.", [table.size]);
    total(
      "frames",
      "Frames that came, by the scheduler's verdict.",
      ...Object.entries(table.frames).map(([verdict, count]): Sample => [count, { verdict }]),
    );
  }
  const byNode = (pick: (row: typeof nodes[number]) => number) =>
    nodes.map((row): Sample => [pick(row), { node: row.name }]);
  value("node_ip_groups", "Buckets assigned to a node.", ...byNode((row) => row.ip_groups));
  value("node_weight", "Weight of a node.", ...byNode((row) => row.weight));
  value(
    "node_state",
    "1 for the state that a node is in, 0 for the others.",
    ...nodes.flatMap(({ name, state }) =>
      NODE_STATES.map((other): Sample => [other === state ? 1 : 0, { node: name, state: other }])
    ),
  );
  value(
    "node_answer_age_seconds",
    "Seconds since a node answered the status sweep.",
    ...nodes.flatMap(({ name, stale_s }): Sample[] => stale_s === null ? [] : [[stale_s, { node: name }]]),
  );
  if (!sweep) return;
  value("sweep_age_seconds", "Seconds since the last status sweep ended.", [sweep.age_s]);
  value("sweep_duration_seconds", "How long the last status sweep took.", [sweep.took_ms / 1000]);
}

function proxyMetrics({ requests, back_ends, speederize }: Overview, value: Tell, total: Tell): void {
  value("client_connections", "Open client connections.", [requests.clients_open]);
  total("requests", "Requests that went to a back end.", [requests.requests]);
  total("own_answers", "Requests that dlba answered itself: errors, redirects.", [requests.own_answers]);
  total("unknown_back_end", "Requests whose session named a back end that is not there.", [requests.unknown_back_end]);
  total("rate_limited", "Requests answered by 429.", [requests.rate_limited]);
  total("access_log_dropped", "Lines of the access log that were not written.", [requests.log_dropped]);

  const labels = back_ends.map(({ pool, key }) => ({ pool, back_end: key }));
  const by = (pick: (row: typeof back_ends[number]) => number) =>
    back_ends.map((row, i): Sample => [pick(row), labels[i]!]);
  value(
    "back_end_info",
    "The address of a back end, as a label of the value 1.",
    ...back_ends.map(({ address }, i): Sample => [1, { ...labels[i]!, address }]),
  );
  total("back_end_requests", "Requests sent to a back end.", ...by((row) => row.hits));
  value("back_end_connections", "Open connections to a back end.", ...by((row) => row.open_connections));
  total(
    "back_end_response_seconds",
    "Time from a request to the head of its response, added up; over the requests it is the mean.",
    ...by((row) => row.avg_response_ms * row.hits / 1000),
  );
  total("back_end_connect_failures", "Connections to a back end that failed.", ...by((row) => row.connect_failures));
  total("back_end_ejections", "Times that a back end was left out for failing.", ...by((row) => row.ejections));
  total("back_end_sessions", "Sessions that began at a back end.", ...by((row) => row.cookie_groups));

  if (!speederize) return;
  value("speederize_to_cdn", "1 while content moves to the CDN.", [speederize.to_cdn ? 1 : 0]);
  value("speederize_withdrawn_paths", "Paths whose copy on the CDN fails.", [speederize.withdrawn]);
  if (speederize.chosen !== null) {
    value("speederize_chosen_paths", "Paths that the advisor chose.", [speederize.chosen]);
  }
}
