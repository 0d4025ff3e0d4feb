/** The tables as a person reads them. */
import { dateText } from "../certificates/expiry.ts";
import type { TablesReport } from "./tables.ts";

/** Assigned buckets shown before the rest is only counted. */
const BUCKETS_SHOWN = 20;

/** Names of a certificate shown before the rest is only counted. */
const NAMES_SHOWN = 3;

/** @param all show every assigned bucket */
export function tablesText(report: TablesReport, all: boolean): string {
  return [
    `Array ${report.array}, node ${report.node}; scheduler: ${report.scheduler ?? "not known"}, epoch ${report.epoch}`,
    ...sweepLines(report),
    "",
    "DLBA Server Status Table",
    ...columns(
      ["no", "name", "MAC", "address", "IP groups", "avg ms", "hits", "open", "s old", "state", "weight"],
      report.server_status.map((row) => [
        row.number,
        row.name,
        row.mac,
        row.address,
        row.ip_groups,
        row.avg_response_ms,
        row.hits,
        row.open_connections,
        row.stale_s ?? "-",
        row.state,
        row.weight,
      ]),
    ),
    "",
    ...bucketLines(report, all),
    "",
    `Web Server Status Table of node ${report.node}`,
    ...columns(
      ["pool", "key", "address", "avg ms", "hits", "open", "cookie groups", "connect failures", "ejections"],
      report.back_ends.map((row) => [
        row.pool,
        row.key,
        row.address,
        row.avg_response_ms,
        row.hits,
        row.open_connections,
        row.cookie_groups,
        row.connect_failures,
        row.ejections,
      ]),
    ),
    "",
    requestLine(report),
    ...summaryLines(report),
    ...certificateLines(report),
    ...speederizeLines(report),
  ].join("\n");
}

function requestLine({ requests }: TablesReport): string {
  return `Requests: ${
    Object.entries(requests).map(([what, count]) => `${what.replaceAll("_", " ")} ${count}`).join(", ")
  }`;
}

function sweepLines({ last_sweep: sweep }: TablesReport): string[] {
  if (!sweep) return [];
  const held = sweep.held.length === 0 ? "" : `; no bucket is changed although silent: ${sweep.held.join(", ")}`;
  return [
    `Last status sweep: ${sweep.age_s} s ago, ${sweep.took_ms} ms, ${sweep.answered} of ${sweep.asked} answered${held}`,
  ];
}

function summaryLines({ web_server_summary: rows, back_ends, scheduler }: TablesReport): string[] {
  if (!rows && back_ends.length > 0) {
    return ["", `Summary Web Server Status Table: the scheduler adds it up, node ${scheduler ?? "not known"}`];
  }
  if (!rows || rows.length === 0) return [];
  return [
    "",
    "Summary Web Server Status Table, over all nodes",
    ...columns(
      ["pool", "key", "address", "cookie groups", "hits", "open"],
      rows.map((row) => [row.pool, row.key, row.address, row.cookie_groups, row.hits, row.open_connections]),
    ),
  ];
}

function bucketLines({ client_ip_hash_table: table, scheduler, server_status }: TablesReport, all: boolean): string[] {
  if (!table) return [`Client IP Hash Table: the scheduler keeps it, node ${scheduler ?? "not known"}`];
  const names = new Map(server_status.map((row) => [row.number, row.name]));
  const shown = all ? table.assigned : table.assigned.slice(0, BUCKETS_SHOWN);
  const left = table.assigned.length - shown.length;
  const frames = Object.entries(table.frames).filter(([, count]) => count > 0);
  return [
    `Client IP Hash Table${
      table.is_copy ? " (copy)" : ""
    }: ${table.assigned.length} of ${table.size} buckets assigned, epoch ${table.epoch}, ` +
    `version ${table.version}, engine ${table.engine}`,
    ...columns(
      ["bucket", "node", "last access, s ago"],
      shown.map((row) => [row.bucket, names.get(row.node) ?? row.node, row.age_s ?? "-"]),
    ),
    ...(left > 0 ? [`... and ${left} more (--all)`] : []),
    "",
    `Frames: ${frames.map(([verdict, count]) => `${verdict} ${count}`).join(", ") || "none"}`,
  ];
}

function certificateLines({ node, certificates }: TablesReport): string[] {
  if (certificates.length === 0) return [];
  return [
    "",
    `Certificates in service on node ${node}`,
    ...columns(
      ["file", "names", "key", "valid to", "days left", "processes"],
      certificates.map((row) => [
        row.file,
        namesText(row.names),
        row.key,
        dateText(Date.parse(row.valid_to)),
        row.days_left,
        row.processes,
      ]),
    ),
  ];
}

function namesText(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return [...names.slice(0, NAMES_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join(" ");
}

/** A header and rows in columns of equal width; numbers to the right. */
function columns(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => String(row[i]).length)));
  const line = (cells: readonly (string | number)[]) =>
    "  " +
    cells.map((cell, i) => typeof cell === "number" ? String(cell).padStart(widths[i]!) : cell.padEnd(widths[i]!)).join(
      "  ",
    ).trimEnd();
  return [line(header), ...rows.map(line)];
}

function speederizeLines({ speederize }: TablesReport): string[] {
  if (!speederize) return [];
  const { to_cdn, requests_per_second, mode, chosen, withdrawn } = speederize;
  const what = chosen === null ? "all paths of the rules" : `${chosen} chosen paths`;
  const place = to_cdn ? `${what} on the CDN` : "all content local";
  return [
    "",
    `Speederize: ${place}, ${requests_per_second.toFixed(1)} requests/s; advisor ${mode}; ${withdrawn} withdrawn`,
  ];
}
