/** Whom a node gives its vote. */
import { NO_EPOCH, ownerOf } from "./epoch.ts";
import { isNewer } from "./membership.ts";
import type { Request } from "./messages.ts";
import type { Situation } from "./situation.ts";

export class Voter {
  #situation: Situation;
  #last: { readonly to: number; readonly at: number } | undefined;

  constructor(situation: Situation) {
    this.#situation = situation;
  }

  forget(): void {
    this.#last = undefined;
  }

  /** Whom it gave its vote a moment ago: that one is given time to win. */
  get heldFor(): number | undefined {
    const { time, plan } = this.#situation;
    return this.#last && time - this.#last.at < plan.timing.pingInterval ? this.#last.to : undefined;
  }

  /**
   * Answers by a grant, once what was promised is on disk, or by a refusal. True when granted.
   * @param mayGrant what else must hold, asked only where the request is not outdated
   */
  answer(from: number, request: Request, mayGrant: () => boolean): boolean {
    const situation = this.#situation, { promised, membership } = situation.durable;
    situation.see(request.epoch);
    const isOutdated = request.epoch < promised || isNewer(membership, request.membership);
    if (isOutdated || !mayGrant()) {
      situation.send(from, { kind: "refusal", epoch: request.epoch, promised, membership });
      return false;
    }
    if (request.epoch > promised) {
      situation.persist({ promised: request.epoch });
      this.#last = { to: from, at: situation.time };
    }
    situation.send(from, { kind: "grant", epoch: request.epoch });
    return true;
  }

  /** Whether a candidate may have the vote of a node that does not hold the VIP. @param isPromising this one is a candidate too, and may win */
  favours(from: number, { yielding }: Request, isPromising: boolean): boolean {
    const situation = this.#situation, { followed: { epoch }, sighted } = situation;
    if (epoch !== NO_EPOCH && ownerOf(epoch) === from) return true;
    if (epoch === NO_EPOCH && sighted !== undefined) return from === sighted;
    if (!situation.isLost()) return yielding === epoch;
    const held = this.heldFor;
    if (held !== undefined && held !== from) return situation.isBetter(from, held);
    // Who is better itself, and may win yet, goes first.
    return !isPromising || situation.isBetter(from, situation.self);
  }
}
