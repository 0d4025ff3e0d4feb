/**
 * Epochs: an election term and, in the low byte, the id of the node that owns it. So no two nodes can ever own the same epoch, not even
 * those of an array that was split in two and serves in both halves.
 */

/** Ids are 0 to 255. */
const OWNERS = 256;
/** An epoch is a word of the scheduler's settings; 16 million take-overs do not come to an end. */
export const MAX_EPOCH = 0xffffffff;
/** Nobody's. */
export const NO_EPOCH = 0;

/** The lowest epoch of the node that is above another. */
export function nextEpoch(above: number, owner: number): number {
  return (Math.floor(above / OWNERS) + 1) * OWNERS + owner;
}

/** Id of the node that owns the epoch. */
export function ownerOf(epoch: number): number {
  return epoch % OWNERS;
}
