/** What examples/monitoring asks Prometheus for is what the nodes tell it. */
import assert from "node:assert/strict";
import { metricsText } from "../../core/status/metrics.ts";
import { FULL } from "../status/full_overview.ts";

const FOLDER = new URL("../../examples/monitoring/", import.meta.url).pathname;

async function promtool(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const { code, stdout, stderr } = await new Deno.Command("promtool", { args, cwd: FOLDER }).output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("the example config and alert rules are what promtool accepts", async () => {
  const { code, said } = await promtool("check", "config", "prometheus.yaml");
  assert.equal(code, 0, said);
  assert.match(said, /SUCCESS: 10 rules found/);
});

Deno.test("every metric of the examples is told", async () => {
  const told = new Set(
    [...(await metricsText(FULL, "0.1.0")).matchAll(/^# TYPE (dlba_\w+)/gm)].map(([, name]) => name!),
  );
  for (const file of ["alerts.yaml", "grafana.json"]) {
    const asked = [...(await Deno.readTextFile(FOLDER + file)).matchAll(/dlba_\w+/g)].map(([name]) => name);
    assert.ok(asked.length > 8);
    for (const name of asked) assert.ok(told.has(name), `${file} asks for ${name}`);
  }
});

Deno.test("the alerts fire as they say", async () => {
  const { code, said } = await promtool("test", "rules", `${FOLDER}../../tests/monitor/alerts_test.yaml`);
  assert.equal(code, 0, said);
});

Deno.test("docs/monitoring.md names every metric", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/monitoring.md", import.meta.url));
  const told = (await metricsText(FULL, "0.1.0")).matchAll(/^# TYPE (dlba_\w+)/gm);
  for (const [, name] of told) assert.ok(text.includes(`| \`${name}\` `), name!);
});
