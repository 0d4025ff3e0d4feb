/** The status port: read-only, the same from a scheduler and from a server; JSON but for /changes and /live. */
import { Hono } from "hono";
import manifest from "../../deno.json" with { type: "json" };
import { type Cursor, encodeChanges } from "../scheduler/changes.ts";
import type { EventLog } from "./events.ts";
import { metricsText } from "./metrics.ts";
import { Paced } from "./paced.ts";
import type { Snapshot } from "./snapshot.ts";

/** Prometheus text exposition format. */
const METRICS = "text/plain; version=0.0.4; charset=utf-8";
const BINARY = { "content-type": "application/octet-stream" };

/** @param watch what happened, as of the last look */
export function statusApp(snapshot: Snapshot, watch: EventLog): Hono {
  const app = new Hono();
  const tables = new Paced(() => JSON.stringify(snapshot.tables()));
  app.get("/status", (context) => context.json(snapshot.report()));
  app.get("/tables", (context) => context.body(tables.get(), 200, { "content-type": "application/json" }));
  const overview = new Paced(() => JSON.stringify(snapshot.overview(watch.latest)));
  app.get("/overview", (context) => context.body(overview.get(), 200, { "content-type": "application/json" }));
  const metrics = new Paced(() => metricsText(snapshot.overview([]), manifest.version));
  app.get("/metrics", async (context) => context.body(await metrics.get(), 200, { "content-type": METRICS }));
  app.get("/changes", (context) => {
    const cursor = cursorOf((name) => context.req.query(name));
    const changes = snapshot.changesSince(cursor);
    if (!changes) return context.json({ error: "this node does not schedule" }, 404);
    const isSame = !changes.full && changes.pairs.length === 0 && changes.cursor.version === cursor?.version;
    return isSame ? context.body(null, 204) : context.body(encodeChanges(changes), 200, BINARY);
  });
  app.get("/live", (context) => context.body(snapshot.liveBuckets().bits, 200, BINARY));
  app.notFound((context) =>
    context.json({ error: "ask for /status, /tables, /overview, /metrics, /changes or /live" }, 404)
  );
  return app;
}

/** The cursor of a query; undefined, and so everything, where it is not whole. */
function cursorOf(query: (name: string) => string | undefined): Cursor | undefined {
  const [epoch, incarnation, version] = ["epoch", "incarnation", "version"].map((name) => {
    const text = query(name);
    return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
  });
  return epoch === undefined || incarnation === undefined || version === undefined
    ? undefined
    : { epoch, incarnation, version };
}
