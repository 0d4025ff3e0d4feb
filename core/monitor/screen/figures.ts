/** Figures and pictures in few characters. Pure. */

/** Blocks of a bar in eighths, and of a sparkline by height; plain ones where the terminal's character set has no blocks. */
export interface Glyphs {
  readonly bar: readonly string[];
  readonly spark: readonly string[];
  readonly rule: string;
}

export const BLOCKS: Glyphs = { bar: [..." ▏▎▍▌▋▊▉█"], spark: [..."▁▂▃▄▅▆▇█"], rule: "─" };
export const ASCII: Glyphs = { bar: [" ", "#"], spark: [..."_.:-=+*#"], rule: "-" };

const UNITS = ["", "k", "M", "G", "T", "P"];

/** At most five characters: 0, 7.3, 812, 12.4k, 3.1M. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  let rest = Math.max(0, value), unit = 0;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  const digits = rest >= 99.95 || (unit === 0 && Number.isInteger(rest)) ? 0 : 1;
  return `${rest.toFixed(digits)}${UNITS[unit]}`;
}

/** Seconds as "3s", "12m", "5h", "2d". */
export function age(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** @param share 0 to 1 of `width` cells */
export function bar(share: number, width: number, { bar }: Glyphs): string {
  const steps = bar.length - 1;
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width * steps);
  const whole = Math.floor(filled / steps), part = filled % steps;
  return (bar[steps]!.repeat(whole) + (part > 0 ? bar[part]! : "")).padEnd(width);
}

/** The last `width` values, the newest at the right; the highest is the full height. */
export function sparkline(values: readonly number[], width: number, { spark }: Glyphs): string {
  const shown = values.slice(-width);
  const top = Math.max(...shown, 0);
  const height = (value: number) =>
    top > 0 ? Math.min(spark.length - 1, Math.round(value / top * (spark.length - 1))) : 0;
  return shown.map((value) => spark[height(value)]).join("").padStart(width);
}
