/** The dashboard on the status port: one page with all that it needs in it, and the events that keep it up to date. */
import type { Hono } from "hono";
import type { Hub } from "./hub.ts";

/** Built by build.ts from page/. */
const PAGE = new URL("page.html", import.meta.url);

/** Text between these tags runs, and no other (CSP3 section 8.3). */
async function policyOf(page: string): Promise<string> {
  const source = async (tag: string) => {
    const text = page.slice(page.indexOf(`<${tag}>`) + tag.length + 2, page.indexOf(`</${tag}>`));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    return `'sha256-${btoa(String.fromCharCode(...hash))}'`;
  };
  return [
    "default-src 'none'",
    `script-src ${await source("script")}`,
    `style-src ${await source("style")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function addDashboard(app: Hono, hub: Hub): void {
  let answer: Promise<{ readonly page: string; readonly headers: Record<string, string> }> | undefined;
  const read = async () => {
    const page = await Deno.readTextFile(PAGE);
    return {
      page,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": await policyOf(page),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
      },
    };
  };
  app.get("/", async (context) => {
    const { page, headers } = await (answer ??= read());
    return context.body(page, 200, headers);
  });
  app.get(
    "/watch",
    (context) => context.body(hub.open(), 200, { "content-type": "text/event-stream", "cache-control": "no-store" }),
  );
}
