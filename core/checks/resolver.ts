/** Addresses of a back end's name: asked for as often as the answer's TTL says; without an answer the last one counts. */
import { Resolver } from "node:dns/promises";

/** A TTL is taken for so much at least and at most, s: one of 0 would be a flood, one of a day hides a move. */
const LEAST_TTL_S = 1;
const MOST_TTL_S = 300;
/** Without an answer it is asked again after so long, ms. */
export const RETRY_MS = 2_000;

export interface Answer {
  /** IPv4. */
  readonly address: string;
  /** When to ask again, ms. */
  readonly again: number;
}

/** As much of node:dns as is used. */
export interface Asked {
  resolve4(name: string, options: { ttl: true }): Promise<{ address: string; ttl: number }[]>;
}

/** Of the system's name servers. */
export function systemResolver(): Asked {
  return new Resolver();
}

/**
 * Keeps to the address that there is as long as it is among the answers: their order changes from one to the next.
 * @param before the address so far
 */
export async function resolve(asked: Asked, name: string, before: string | undefined): Promise<Answer | undefined> {
  try {
    const answers = await asked.resolve4(name, { ttl: true });
    const kept = answers.find(({ address }) => address === before) ?? answers[0];
    if (kept === undefined) return undefined;
    const ttl = Math.min(MOST_TTL_S, Math.max(LEAST_TTL_S, Math.min(...answers.map((answer) => answer.ttl))));
    return { address: kept.address, again: ttl * 1_000 };
  } catch {
    return undefined;
  }
}
