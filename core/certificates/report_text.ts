/** The report of a certificate as a person reads it. */
import { printable } from "../config/printable.ts";
import { dateText, endText } from "./expiry.ts";
import type { CertificateReport, LinkReport } from "./report.ts";

export function reportText(report: CertificateReport, now: number): string {
  const rows: readonly (readonly [string, string])[] = [
    ["subject", report.subject],
    ["names", report.names.join(", ") || "none: clients of today accept it for no host"],
    ["issuer", report.self_signed ? "itself (self-signed)" : report.issuer],
    ["key", report.key],
    ["fingerprint", `SHA-256 ${report.fingerprint_sha256}`],
    ["valid from", dateText(Date.parse(report.valid_from)) + (Date.parse(report.valid_from) > now ? ": not yet" : "")],
    ["valid to", ending(report, now)],
    ["key file", keyFile(report)],
    ...chainRows(report, now),
  ];
  return [printable(report.file), ...rows.map(([title, text]) => `  ${title.padEnd(11)}  ${text}`)].join("\n");
}

function ending({ valid_to, days_left }: LinkReport, now: number): string {
  const left = days_left >= 1
    ? `${days_left} day${days_left === 1 ? "" : "s"} left`
    : endText(Date.parse(valid_to), now);
  return `${dateText(Date.parse(valid_to))}: ${left.replace(/, on .*/, "")}`;
}

function keyFile({ key_file, key_fits }: CertificateReport): string {
  if (key_file === null) return "none named";
  const fits = key_fits === null ? "not looked at" : key_fits ? "fits" : "is another certificate's";
  return `${printable(key_file)}: ${fits}`;
}

function chainRows({ chain, chain_in_order, self_signed }: CertificateReport, now: number): [string, string][] {
  if (chain.length === 0) {
    return [["chain", self_signed ? "itself alone" : "no certificate of an authority in the file"]];
  }
  const order = chain_in_order ? "in order" : "out of order: each must be followed by the one that issued it";
  const links = chain.map((link, i): [string, string] => {
    return ["", `${i + 2}: ${link.subject}, issued by ${link.issuer}, valid to ${ending(link, now)}`];
  });
  return [["chain", `1 + ${chain.length} certificates, ${order}`], ...links];
}
