import assert from "node:assert/strict";
import { simulate } from "./many_schedulers.ts";

const PLAN = { nodes: 10, size: 16_384, arrivals: 500, intervals: 20, life: 6 } as const;

Deno.test("one scheduler alone disrupts no flow but those of a node that fails", () => {
  for (const assignment of ["fewest groups", "rendezvous"] as const) {
    assert.equal(simulate({ ...PLAN, schedulers: 1, assignment }).disruptedPpm, 0);
  }
});

Deno.test("several schedulers with an assignment that all compute alike disrupt fewer flows than with their own counts", () => {
  const own = simulate({ ...PLAN, schedulers: 4, assignment: "fewest groups" });
  const alike = simulate({ ...PLAN, schedulers: 4, assignment: "rendezvous" });
  assert.ok(alike.disruptedPpm < own.disruptedPpm, `${alike.disruptedPpm} and ${own.disruptedPpm}`);
  assert.ok(own.disruptedPpm < 30_000, String(own.disruptedPpm));
  assert.ok(own.syncBytes < 40_000, "what is sent goes by what changed, not by the table's size");
});
