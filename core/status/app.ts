/** The status port: read-only, the same from a scheduler and from a server; JSON but for /changes and /live. */
import { Hono } from "hono";
import manifest from "../../deno.json" with { type: "json" };
import { type Cursor, encodeChanges } from "../scheduler/changes.ts";
import { isIp } from "../config/values.ts";
import type { Hub } from "../monitor/dashboard/hub.ts";
import { addDashboard } from "../monitor/dashboard/routes.ts";
import type { EventLog } from "./events.ts";
import type { Hour } from "./hour.ts";
import { metricsText } from "./metrics.ts";
import { Paced } from "./paced.ts";
import type { Snapshot } from "./snapshot.ts";

/** Prometheus text exposition format. */
const METRICS = "text/plain; version=0.0.4; charset=utf-8";
const MAX_PORT = 65_535;
const BINARY = { "content-type": "application/octet-stream" };

export interface StatusAppParts {
  readonly snapshot: Snapshot;
  readonly events: EventLog;
  readonly hour: Hour;
  readonly hub: Hub;
}

export function statusApp({ snapshot, events, hour, hub }: StatusAppParts): Hono {
  const app = new Hono();
  addDashboard(app, hub);
  const tables = new Paced(() => JSON.stringify(snapshot.tables()));
  app.get("/status", (context) => context.json(snapshot.report()));
  app.get("/tables", (context) => context.body(tables.get(), 200, { "content-type": "application/json" }));
  const overview = new Paced(() => JSON.stringify(snapshot.overview(events.latest)));
  app.get("/overview", (context) => context.body(overview.get(), 200, { "content-type": "application/json" }));
  app.get("/hour", (context) => context.json(hour.report()));
  app.get("/speed", (context) => context.json(snapshot.speed() ?? null));
  app.get("/trace", (context) => {
    const client = context.req.query("client") ?? "", port = context.req.query("port") ?? "";
    if (!isIp(client) || !/^[0-9]{1,5}$/.test(port) || Number(port) > MAX_PORT) {
      return context.json(
        { error: "say the IP address and port of a client: /trace?client=198.51.100.7&port=40000" },
        400,
      );
    }
    const found = snapshot.trace(client, Number(port));
    return found ? context.json(found) : context.json({ error: "this node does not schedule" }, 404);
  });
  const metrics = new Paced(() => metricsText(snapshot.overview([]), manifest.version));
  app.get("/metrics", async (context) => context.body(await metrics.get(), 200, { "content-type": METRICS }));
  app.get("/changes", (context) => {
    const cursor = cursorOf((name) => context.req.query(name));
    const changes = snapshot.changesSince(cursor);
    if (!changes) return context.json({ error: "this node does not schedule" }, 404);
    const isSame = !changes.full && changes.pairs.length === 0 && changes.cursor.version === cursor?.version;
    return isSame ? context.body(null, 204) : context.body(encodeChanges(changes), 200, BINARY);
  });
  app.get("/serving", (context) => {
    const failed = snapshot.failedNodes();
    return failed ? context.json({ failed }) : context.json({ error: "this node does not schedule" }, 404);
  });
  app.get("/live", (context) => context.body(snapshot.liveBuckets().bits, 200, BINARY));
  app.notFound((context) =>
    context.json({
      error: "ask for /, /status, /tables, /overview, /metrics, /hour, /speed, /trace, /changes, /serving or /live",
    }, 404)
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
