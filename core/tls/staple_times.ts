/** When an OCSP response may be sent, and when a newer one is to be had: RFC 6960 section 4.2.2.1, RFC 5019 section 4. Pure. */
import type { OcspAnswer } from "../../ffi/ocsp.ts";

/** Clocks of two machines may differ by so much, ms. */
const SKEW_MS = 300_000;
/** One that does not say until when it is valid is for so long, ms. */
const UNSTATED_MS = 24 * 3_600_000;

export interface StapleClock {
  /** ms since 1970. */
  readonly now: () => number;
  readonly log: (line: string) => void;
}

export function isValid(answer: OcspAnswer, now: number): boolean {
  return now >= answer.thisUpdate - SKEW_MS && now < expiryOf(answer);
}

/** When a newer one is asked for: once that share of its time has passed. */
export function refreshTimeOf(answer: OcspAnswer, share: number): number {
  return answer.thisUpdate + (expiryOf(answer) - answer.thisUpdate) * share;
}

function expiryOf({ thisUpdate, nextUpdate }: OcspAnswer): number {
  return nextUpdate ?? thisUpdate + UNSTATED_MS;
}
