/** The status port: read-only, over HTTP, JSON but for /changes, the same from a scheduler and from a server. */
import { Hono } from "hono";
import { type Cursor, encodeChanges } from "../scheduler/changes.ts";
import type { Snapshot } from "./snapshot.ts";

export function statusApp(snapshot: Snapshot): Hono {
  const app = new Hono();
  app.get("/status", (context) => context.json(snapshot.report()));
  app.get("/tables", (context) => context.json(snapshot.tables()));
  app.get("/changes", (context) => {
    const changes = snapshot.changesSince(cursorOf((name) => context.req.query(name)));
    if (!changes) return context.json({ error: "this node keeps no Client IP Hash Table" }, 404);
    return context.body(encodeChanges(changes), 200, { "content-type": "application/octet-stream" });
  });
  app.notFound((context) => context.json({ error: "ask for /status, /tables or /changes" }, 404));
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
