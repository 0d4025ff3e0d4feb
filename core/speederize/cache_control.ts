/** Cache-Control and what else says how long a response may be kept: RFC 9111, as a shared cache reads it. */

export type Directives = ReadonlyMap<string, string>;

const DIRECTIVE = /([a-z0-9-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?/gi;

/** The directives of one or more Cache-Control fields, names in lower case; section 5.2. */
export function parseCacheControl(value: string): Directives {
  const directives = new Map<string, string>();
  for (const [, name = "", quoted, token] of value.matchAll(DIRECTIVE)) {
    const lower = name.toLowerCase();
    // Of two the first counts, as in section 4.2.1.
    if (!directives.has(lower)) directives.set(lower, quoted ?? token ?? "");
  }
  return directives;
}

/** More seconds than that are as many: section 1.2.2. */
const MOST_SECONDS = 2_147_483_648;

/** Seconds in digits; undefined for what is no number. */
function delta(text: string): number | undefined {
  return /^[0-9]+$/.test(text) ? Math.min(Number(text), MOST_SECONDS) : undefined;
}

/** Seconds of a directive; undefined without it. One that is no number counts as 0: section 4.2.1. */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const value = directives.get(name);
  if (value === undefined) return undefined;
  return delta(value) ?? 0;
}

/** What a response says of its age and life; "" for a field that is not there. */
export interface Freshness {
  readonly cacheControl: Directives;
  readonly age: string;
  readonly date: string;
  readonly expires: string;
}

/** How long it is fresh, s, counted from when it was made; 0 where it says nothing: nothing is guessed. Section 4.2.1. */
export function lifetime({ cacheControl, date, expires }: Freshness, now: number): number {
  if (cacheControl.has("no-cache")) return 0;
  const seconds = secondsOf(cacheControl, "s-maxage") ?? secondsOf(cacheControl, "max-age");
  if (seconds !== undefined) return seconds;
  if (expires === "") return 0;
  const until = Date.parse(expires);
  const from = Date.parse(date);
  return Number.isNaN(until) ? 0 : Math.max(0, (until - (Number.isNaN(from) ? now : from)) / 1000);
}

/** How old it is as it comes in, s: section 4.2.3. @param now ms since 1970 */
export function initialAge({ age, date }: Freshness, now: number): number {
  const made = Date.parse(date);
  const apparent = Number.isNaN(made) ? 0 : Math.max(0, (now - made) / 1000);
  return Math.max(apparent, delta(age) ?? 0);
}

/** Whether a shared cache may keep it: section 3. A response to a request with Authorization is not asked about: none is kept. */
export function mayStore(response: Directives, request: Directives): boolean {
  return !response.has("no-store") && !response.has("private") && !request.has("no-store");
}
