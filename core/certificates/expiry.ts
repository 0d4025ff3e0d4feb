/** How long certificates are valid yet. */
import type { X509Certificate } from "node:crypto";
import { printable } from "../config/printable.ts";

/** Certificates of public authorities are renewed weeks before; who is later than this has forgotten it. Days. */
export const WARN_DAYS = 14;
const DAY_MS = 86_400_000;

/** A certificate as far as its end goes. */
export interface Ending {
  readonly subject: string;
  /** ms since 1970 */
  readonly validTo: number;
}

export function endingOf(certificate: X509Certificate): Ending {
  return { subject: subjectOf(certificate.subject), validTo: Date.parse(certificate.validTo) };
}

/** A name of node:crypto, which has a line a part, on one line that a terminal can show. */
export function subjectOf(name: string): string {
  return printable(name.replaceAll("\n", ", "));
}

/** Whole days; below 0 where it has expired. @param now ms since 1970 */
export function daysLeft(validTo: number, now: number): number {
  return Math.floor((validTo - now) / DAY_MS);
}

/**
 * Of certificates that stand side by side, as those of authorities do, the one whose end comes next; where all have expired, the last.
 * What expired earlier is a remnant. Undefined where there are none. @param now ms since 1970
 */
export function nextToEnd<T extends { readonly validTo: string }>(
  certificates: readonly T[],
  now: number,
): T | undefined {
  const inOrder = certificates.toSorted((one, other) => Date.parse(one.validTo) - Date.parse(other.validTo));
  return inOrder.find(({ validTo }) => Date.parse(validTo) >= now) ?? inOrder.at(-1);
}

export function endsWithin(validTo: number, now: number, days = WARN_DAYS): boolean {
  return validTo - now <= days * DAY_MS;
}

/** A sentence for each certificate of a chain that has expired or will within the days, the server's own first. */
export function expiryWarnings(file: string, chain: readonly Ending[], now: number, days = WARN_DAYS): string[] {
  return chain.flatMap(({ subject, validTo }, i) => {
    if (!endsWithin(validTo, now, days)) return [];
    const which = i === 0 ? printable(file) : `${printable(file)}, certificate ${i + 1} of its chain (${subject})`;
    return [`${which} ${endText(validTo, now)}`];
  });
}

/** `expires in 5 days, on 2026-12-01 10:00:00 UTC` */
export function endText(validTo: number, now: number): string {
  const when = validTo < now
    ? `expired ${count(daysLeft(now, validTo))} ago`
    : `expires in ${count(daysLeft(validTo, now))}`;
  return `${when}, on ${dateText(validTo)}`;
}

/** @param time ms since 1970 */
export function dateText(time: number): string {
  return new Date(time).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

function count(days: number): string {
  if (days === 0) return "less than a day";
  return days === 1 ? "1 day" : `${days} days`;
}
