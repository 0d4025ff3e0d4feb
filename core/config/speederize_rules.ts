/** Rules about speederize that need more than one value. */
import { asList, asMap, type Raw, read } from "./raw.ts";
import type { Report } from "./rules.ts";
import { cdnSchema, speederizeSchema } from "./speederize_schema.ts";

export function checkSpeederize(raw: Raw, report: Report): void {
  const isWanted = raw["speederize"] !== undefined;
  const section = asMap(raw["speederize"]);
  let isUsed = false;
  asList(raw["pools"]).forEach((pool, i) => {
    if (asMap(pool)["speederize"] !== true) return;
    isUsed = true;
    if (!isWanted) report(["pools", i, "speederize"], "a section speederize, which says what moves where");
  });
  if (!isWanted) return;
  if (!isUsed) report(["speederize"], "a pool with speederize: true", "none");
  const local = read(speederizeSchema.entries.local, section["local"]);
  if (local && local.above <= local.below) {
    report(["speederize", "local", "above"], `more than below (${local.below}), lest content come and go`);
  }
  let hasLabel = false;
  asList(section["cdn"]).forEach((entry) => {
    const cdn = read(cdnSchema, entry);
    if (!cdn) return;

    hasLabel ||= cdn.hosts.some((host) => host.startsWith("{client}"));
  });
  const client = read(speederizeSchema.entries.client, section["client"]);
  const regions = asList(section["regions"]);
  if (client === "region" && regions.length === 0) report(["speederize", "client"], "regions beside it, or network");
  if (client === "region" && !hasLabel) report(["speederize", "client"], "a CDN host that begins with {client}.");
}
