/**
 * The tables of docs/back-ends.md: how evenly each policy spreads, and what moves when a back end goes. The same in every run;
 * `UPDATE_GOLDEN=1` writes them anew.
 */
import assert from "node:assert/strict";
import { Least } from "../../../core/proxy/policies/least.ts";
import { TABLE_SIZE } from "../../../core/proxy/policies/maglev.ts";
import type { Policy } from "../../../core/proxy/policies/policy.ts";
import { RandomOfTwo } from "../../../core/proxy/policies/random_of_two.ts";
import { RoundRobin } from "../../../core/proxy/policies/round_robin.ts";
import { UrlHash } from "../../../core/proxy/policies/url_hash.ts";
import { candidates, deviation, seeded, tally } from "./candidates.ts";

const GUIDE = new URL("../../../docs/back-ends.md", import.meta.url).pathname;
const COUNTS = [2, 3, 5, 10, 20, 50, 100];
/** For each back end. */
const REQUESTS = 1_000;
const UNDER_WAY = 4;

const entries = (count: number) => Array.from({ length: count }, (_, i) => ({ name: String(i + 1), weight: 1 }));

const POLICIES: readonly (readonly [name: string, make: (count: number) => Policy])[] = [
  ["round_robin", () => new RoundRobin()],
  ["least_connections", () => new Least("connections")],
  ["least_response_time", () => new Least("response_time")],
  ["random_of_two", () => new RandomOfTwo(seeded(7))],
  ["url_hash", (count) => new UrlHash(entries(count))],
  ["url_hash, bounded_load", (count) => new UrlHash(entries(count), 1.25)],
];

/** Largest deviation from the average, in parts of it. By what hashes every place of the hash comes once; the others go by chance. */
function spread(policy: Policy, count: number): number {
  const all = candidates(count);
  const chance = seeded(11);
  const underWay: typeof all = [];
  const hashes = policy.hashes ? shuffled(TABLE_SIZE, chance) : new Array<number>(REQUESTS * count).fill(0);
  return deviation(tally(count, hashes.length, (i) => {
    const chosen = policy.choose(all, hashes[i]!)!;
    chosen.inUse++;
    chosen.responseMs = 10;
    // Requests end in any order.
    if (underWay.push(chosen) > UNDER_WAY * count) {
      const at = Math.floor(chance() * underWay.length);
      underWay[at]!.inUse--;
      underWay[at] = underWay.at(-1)!;
      underWay.pop();
    }
    return chosen.index;
  }));
}

/** The numbers below that in the order of chance: neighbours of the table often belong to one back end. */
function shuffled(count: number, chance: () => number): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(chance() * (i + 1));
    [all[i], all[other]] = [all[other]!, all[i]!];
  }
  return all;
}

/** Of what the others had the part that goes elsewhere once the last one is down, or is taken out of the config. */
function moved(count: number, how: "down" | "removed"): number {
  const all = candidates(count);
  const left = all.slice(0, -1);
  const before = new UrlHash(entries(count));
  const after = how === "down" ? before : new UrlHash(entries(count - 1));
  const owners = Array.from({ length: TABLE_SIZE }, (_, hash) => before.choose(all, hash)!.index);
  const others = owners.map((owner, hash) => [owner, hash] as const).filter(([owner]) => owner !== count - 1);
  return others.filter(([owner, hash]) => after.choose(left, hash)!.index !== owner).length / others.length;
}

const percent = (part: number) => `${(part * 100).toFixed(1)} %`;

function tableOf(
  title: string,
  rows: readonly (readonly [name: string, figure: (count: number) => number])[],
): string[][] {
  return [
    [title, ...COUNTS.map(String)],
    ...rows.map(([name, figure]) => [name, ...COUNTS.map((count) => percent(figure(count)))]),
  ];
}

/** The cells of the tables of the guide that have this title. */
function written(title: string): string[][] {
  const lines = Deno.readTextFileSync(GUIDE).split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${title} `));
  const end = lines.findIndex((line, i) => i > start && !line.startsWith("|"));
  return lines.slice(start, end).filter((line) => !line.startsWith("| -")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", ""))
  );
}

function rewrite(table: readonly (readonly string[])[]): void {
  const text = Deno.readTextFileSync(GUIDE);
  const lines = table.map((row, i) =>
    `| ${row.map((cell, j) => i > 0 && j === 0 ? `\`${cell}\`` : cell).join(" | ")} |`
  );
  lines.splice(1, 0, `| --- ${"| --: ".repeat(COUNTS.length)}|`);
  const begin = text.indexOf(`| ${table[0]![0]} `);
  const end = text.indexOf("\n\n", begin);
  Deno.writeTextFileSync(GUIDE, text.slice(0, begin) + lines.join("\n") + text.slice(end));
}

const TABLES = [
  ["off by at most", POLICIES.map(([name, make]) => [name, (count: number) => spread(make(count), count)] as const)],
  ["of the others' URLs move", [
    ["down", (count: number) => moved(count, "down")],
    ["out of the config", (count: number) => moved(count, "removed")],
  ]],
] as const;

for (const [title, rows] of TABLES) {
  Deno.test(`the guide has the figures of the policies: ${title}`, () => {
    const table = tableOf(title, rows);
    if (Deno.env.get("UPDATE_GOLDEN")) rewrite(table);
    assert.deepEqual(written(title), table);
  });
}
