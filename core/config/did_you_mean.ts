/** Which word of a list a misspelt one was meant to be. */

/** Longest distance at which a word still counts as a slip of another. */
const SLIP = 2;

/** The candidate that the word is most likely a slip of. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = SLIP + 1;
  for (const candidate of candidates) {
    const limit = Math.min(SLIP, Math.ceil(candidate.length / 3));
    // No distance is below the difference in length.
    if (Math.abs(word.length - candidate.length) > limit) continue;
    const distance = editDistance(word, candidate);
    if (distance > limit || distance >= least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
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
