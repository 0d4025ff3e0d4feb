/** What is wrong with a config file, and where. */

/** Steps from the top of the file to a value: keys of maps, indices of lists. */
export type KeyPath = readonly (string | number)[];

export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** As `nodes[1].mac`; "" for the file as a whole. */
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

/** `dlba.yaml:12:9: nodes[1].mac: found 02:00:zz, expected a unicast MAC address as 02:00:00:00:00:0b` */
export function findingLine({ file, line, column, path, found, expected }: Finding): string {
  return `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}found ${found}, expected ${expected}`;
}

export function pathText(path: KeyPath): string {
  return path.map((step, i) => typeof step === "number" ? `[${step}]` : i === 0 ? step : `.${step}`).join("");
}

/** Longest distance at which a word still counts as a slip of another. */
const SLIP = 2;

/** The candidate that the word is most likely a slip of. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const near = candidates.map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.min(SLIP, Math.ceil(candidate.length / 3)));
  return near.sort((one, other) => one.distance - other.distance)[0]?.candidate;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
        least = Math.min(least, beforeLast[j - 2]! + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[other.length]!;
}
