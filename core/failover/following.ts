/** What a node does with a scheduler's beat. */
import { isNewer } from "./membership.ts";
import type { Beat } from "./messages.ts";
import type { Situation } from "./situation.ts";

/** A member leaves only by the votes of those that do not hear it either; what a majority has settled needs no more votes. */
export function accept(situation: Situation, { epoch, membership, isFinal }: Beat): void {
  const { durable, hearing } = situation;
  if (epoch < durable.promised || !isNewer(membership, durable.membership)) return;
  const leaving = durable.membership.members.filter((node) => !membership.members.includes(node));
  const isProposal = !isFinal && membership.sequence > 0;
  if (isProposal && leaving.some((node) => hearing.hears(node))) return;
  situation.persist({ promised: epoch, membership });
}

export function reply(situation: Situation, to: number, { epoch }: Beat): void {
  const { followed, durable: { promised, membership }, isEngineReady } = situation;
  situation.send(to, {
    kind: "reply",
    epoch,
    followed: followed.epoch,
    promised,
    accepted: { epoch: membership.epoch, sequence: membership.sequence },
    isReady: isEngineReady,
  });
}
