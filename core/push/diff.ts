/** What differs between two configurations, by key path. */
import { type KeyPath, pathText } from "../config/findings.ts";
import { printable, shortened } from "../config/printable.ts";
import { Source } from "../config/source.ts";

export interface Difference {
  /** As `nodes[node-b].weight`: items of a list that have one are called by their name, key or id. */
  readonly path: string;
  /** Undefined where it is not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Keys that tell the items of a list apart; the first that all of them have counts. */
const IDENTITIES = ["name", "key", "cert"] as const;

/** Of two texts as they stand, without defaults. */
export function differences(before: string, after: string): Difference[] {
  const found: Difference[] = [];
  compare([], new Source("before", before).data, new Source("after", after).data, found);
  return found;
}

/** `~ nodes[node-b].weight: 1 -> 2`, a line each. */
export function differencesText(all: readonly Difference[]): string {
  return all.map(({ path, before, after }) => {
    if (before === undefined) return `+ ${path}: ${shown(after)}`;
    if (after === undefined) return `- ${path}: ${shown(before)}`;
    return `~ ${path}: ${shown(before)} -> ${shown(after)}`;
  }).join("\n");
}

function compare(path: KeyPath, before: unknown, after: unknown, found: Difference[]): void {
  const [one, other] = [entriesOf(before, after), entriesOf(after, before)];
  if (!one || !other) {
    if (JSON.stringify(before) !== JSON.stringify(after)) found.push({ path: textOf(path), before, after });
    return;
  }
  for (const key of new Set([...one.keys(), ...other.keys()])) {
    if (JSON.stringify(one.get(key)) !== JSON.stringify(other.get(key))) {
      compare([...path, key], one.get(key), other.get(key), found);
    }
  }
}

/** The values by key; undefined where it is no map, and no list whose items have names as the other's have. */
function entriesOf(value: unknown, other: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) {
    const identity = Array.isArray(other)
      ? IDENTITIES.find((key) => [value, other].every((list) => areNamed(list, key)))
      : undefined;
    return identity && new Map(value.map((item) => [`[${item[identity]}]`, item]));
  }
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

function areNamed(list: readonly unknown[], key: string): boolean {
  const names = list.map((item) =>
    typeof item === "object" && item !== null ? (item as Record<string, unknown>)[key] : undefined
  );
  return names.every((name) => typeof name === "string" || typeof name === "number") &&
    new Set(names).size === names.length;
}

function textOf(path: KeyPath): string {
  return pathText(path).replaceAll(".[", "[") || "(everything)";
}

function shown(value: unknown): string {
  return printable(shortened(JSON.stringify(value) ?? "nothing"));
}
