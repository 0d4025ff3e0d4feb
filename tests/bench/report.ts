/** What a bench found, and how it is printed. */

export interface BenchOptions {
  readonly quick: boolean;
}

/** A figure measured several times. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What an issue asks for. `value` is null where nothing could be said, with the reason. */
export interface Bar {
  readonly name: string;
  readonly value: number | null;
  readonly limit: number;
  readonly better: "lower" | "higher";
  readonly ok: boolean;
  readonly reason?: string;
}

/** What a part of a bench found. */
export interface Found {
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
}

export interface BenchReport extends Found {
  readonly name: string;
  /** What the figures hold for, in words, for who reads the table. */
  readonly notes?: readonly string[];
}

export type Bench = (options: BenchOptions) => Promise<BenchReport>;

export function together(found: readonly Found[]): Found {
  return { rows: found.flatMap(({ rows }) => rows), bars: found.flatMap(({ bars }) => bars) };
}

export function row(name: string, unit: string, values: readonly number[]): Row {
  return { name, unit, median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export function bar(name: string, value: number, limit: number, better: "lower" | "higher"): Bar {
  return { name, value, limit, better, ok: better === "lower" ? value <= limit : value >= limit };
}

/** A bar of which nothing can be said: it counts as missed. */
export function unknownBar(name: string, limit: number, better: "lower" | "higher", reason: string): Bar {
  return { name, value: null, limit, better, ok: false, reason };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function printReport({ name, notes = [], rows, bars }: BenchReport, json: boolean): void {
  for (const note of notes) console.log(`${note}\n`);
  const width = Math.max(...[...rows, ...bars].map((line) => line.name.length));
  for (const { name, unit, median, min, max } of rows) {
    console.log(`${name.padEnd(width)}  ${figure(median).padStart(10)} ${unit}  (${figure(min)} to ${figure(max)})`);
  }
  console.log("");
  for (const { name, value, limit, better, ok, reason } of bars) {
    const bound = `${better === "lower" ? "at most" : "at least"} ${limit}`;
    const found = value === null ? "unknown" : figure(value);
    const verdict = ok ? "ok" : reason === undefined ? "MISSED" : `MISSED: ${reason}`;
    console.log(`${name.padEnd(width)}  ${found.padStart(10)}  ${bound}  ${verdict}`);
  }
  const machine = `${navigator.hardwareConcurrency} cores, Linux ${Deno.osRelease()}, Deno ${Deno.version.deno}`;
  console.log(`\n${machine}`);
  if (json) console.log(JSON.stringify({ name, machine, rows, bars, ok: bars.every((bar) => bar.ok) }));
}

function figure(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : value.toFixed(value < 10 ? 3 : 1);
}
