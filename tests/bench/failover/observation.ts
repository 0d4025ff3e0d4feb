/** What the witness saw, and what follows from it. Pure. Times are ms since 1970. */

interface Syn {
  readonly sentAt: number;
  /** Undefined where nothing came. */
  answer: "accepted" | "refused" | undefined;
}

/** Who answers later than this did not answer that question: ports come again after 100 s. */
const ANSWER_MS = 3_000;
/** Two owners answered the same question where they did so within this, ms. */
const SAME_QUESTION_MS = 10;

export class Observation {
  #syns: Syn[] = [];
  #owners: { readonly at: number; readonly mac: string }[] = [];

  /** @param text as witness.c prints it */
  constructor(text: string) {
    const pending = new Map<string, Syn>();
    for (const line of text.split("\n")) {
      const [kind, time, subject] = line.split(" ");
      const at = Number(time);
      if (kind === "S") {
        const syn: Syn = { sentAt: at, answer: undefined };
        this.#syns.push(syn);
        pending.set(subject!, syn);
      } else if (kind === "O") this.#owners.push({ at, mac: subject! });
      else if (kind === "A" || kind === "R") {
        const syn = pending.get(subject!);
        // The first answer counts: our own kernel resets what it did not ask for.
        if (syn && syn.answer === undefined && at - syn.sentAt < ANSWER_MS) {
          syn.answer = kind === "A" ? "accepted" : "refused";
        }
      }
    }
  }

  /**
   * Longest time without the VIP, of `from` to `to`: from one accepted SYN to the next, both as they were sent, or from one answer by ARP to the next,
   * whichever is longer. A node that stands still goes on with the buckets it had, so that some SYNs say nothing.
   */
  gapMs(from: number, to: number): number {
    const accepted = this.#syns.filter(({ answer }) => answer === "accepted").map(({ sentAt }) => sentAt);
    return Math.max(longest(accepted, from, to), longest(this.#owners.map(({ at }) => at), from, to));
  }

  /** Longest time in which the witness itself sent nothing: it bounds what a gap can tell. */
  ownGapMs(from: number, to: number): number {
    return longest(this.#syns.map(({ sentAt }) => sentAt), from, to);
  }

  /** SYNs refused. */
  refused(from: number, to: number): number {
    return this.#syns.filter(({ answer, sentAt }) => answer === "refused" && sentAt >= from && sentAt <= to).length;
  }

  /** From the first to the last time that two machines answered the same question for the VIP, ms. */
  twoOwnerMs(from: number, to: number): number {
    const answers = this.#owners.filter(({ at }) => at >= from && at <= to);
    const contested = answers.filter(({ at, mac }, i) => {
      const before = answers[i - 1];
      return before !== undefined && before.mac !== mac && at - before.at < SAME_QUESTION_MS;
    });
    return contested.length === 0 ? 0 : contested.at(-1)!.at - contested[0]!.at + SAME_QUESTION_MS;
  }

  /** MAC of who answered last before that time; undefined when nobody did. */
  ownerAt(time: number): string | undefined {
    return this.#owners.findLast(({ at }) => at <= time)?.mac;
  }
}

/** Longest time between two, from `from` to `to`. */
function longest(times: readonly number[], from: number, to: number): number {
  const all = [from, ...times.filter((at) => at >= from && at <= to), to];
  return Math.max(...all.slice(1).map((at, i) => at - all[i]!));
}
