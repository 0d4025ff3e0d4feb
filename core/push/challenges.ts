/**
 * Makes each change happen once: it must bear a challenge that this process gave to the same certificate a moment before, and that it
 * spends. A change that is sent again, to this node or another, or after a restart, is refused; no clocks are compared.
 */
import { randomBytes } from "node:crypto";
import { Refusal } from "./refusal.ts";

/** A challenge is answered at once; a loaded machine takes its time, ms. */
const LIFETIME_MS = 30_000;
/** Given out and not yet spent, at most: the oldest go first. */
const MAX_OPEN = 1024;

export class Challenges {
  #open = new Map<string, { readonly fingerprint: string; readonly until: number }>();

  /** @param now ms of a clock that does not step */
  constructor(readonly now: () => number = () => performance.now()) {}

  give(fingerprint: string): string {
    const challenge = randomBytes(18).toString("base64url");
    if (this.#open.size >= MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
    this.#open.set(challenge, { fingerprint, until: this.now() + LIFETIME_MS });
    return challenge;
  }

  /** Throws {@linkcode Refusal} where this is not to be had for it. */
  spend(challenge: string | null, fingerprint: string): void {
    const given = this.#open.get(challenge ?? "");
    if (!given || given.fingerprint !== fingerprint) {
      throw new Refusal(403, "a replayed request: its challenge is spent, or never was");
    }
    this.#open.delete(challenge!);
    if (given.until < this.now()) throw new Refusal(403, "a stale request: its challenge is too old");
  }
}
