/** Hashes of text, 32 bits, the same on every node. Not against clients that look for collisions: who sends one URL often needs none. */

/** FNV-1a, mixed so that the low bits depend on all. Characters above 255 count by their low byte: texts here are Latin-1. */
export function hashText(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** A bijection of the numbers of 32 bits in which each bit depends on every other (MurmurHash3's finalizer). */
export function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
