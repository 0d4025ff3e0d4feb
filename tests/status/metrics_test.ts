/** What Prometheus is told. */
import assert from "node:assert/strict";
import { metricsText } from "../../core/status/metrics.ts";
import { overviewOf } from "../monitor/overviews.ts";
import { FULL } from "./full_overview.ts";

async function promtool(text: string): Promise<string> {
  const child = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, stderr, code } = await child.output();
  return `${code} ${new TextDecoder().decode(stdout)}${new TextDecoder().decode(stderr)}`;
}

Deno.test("metricsText() is what promtool has nothing to say of, from a scheduler and from a server", async () => {
  for (const overview of [FULL, overviewOf({ nodes: 3, backEnds: 4 }, 1, 7)]) {
    assert.equal(await promtool(await metricsText(overview, "0.1.0")), "0 ");
  }
});

Deno.test("metricsText() tells the figures of the tables", async () => {
  const lines = (await metricsText(FULL, "0.1.0")).split("\n");
  for (
    const line of [
      'dlba_build_info{version="0.1.0"} 1',
      "dlba_schedules 1",
      "dlba_election_epoch 3",
      "dlba_buckets 65536",
      'dlba_frames_total{verdict="forwarded"} 14000',
      'dlba_node_state{node="n2",state="failed"} 1',
      'dlba_node_state{node="n2",state="active"} 0',
      'dlba_node_ip_groups{node="n3"} 3000',
      "dlba_sweep_duration_seconds 0.012",
      "dlba_requests_total 700",
      'dlba_back_end_requests_total{pool="shop",back_end="2"} 175',
      'dlba_back_end_info{pool="images",back_end="4",address="192.168.1.4:8080"} 1',
      'dlba_certificate_not_after_timestamp_seconds{file="tls/\\"shop\\\\.crt"} 1798761600',
      "dlba_speederize_to_cdn 1",
    ]
  ) assert.ok(lines.includes(line), line);
});

Deno.test("metricsText() of a server says nothing of what the scheduler knows better", async () => {
  const text = await metricsText(overviewOf({ nodes: 3, backEnds: 4 }, 1, 7), "0.1.0");
  assert.match(text, /^dlba_schedules 0$/m);
  assert.doesNotMatch(text, /dlba_node_|dlba_frames|dlba_sweep/);
});
