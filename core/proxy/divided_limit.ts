/** The part of an array-wide limit that one proxy process keeps: so divided that the parts add up to it. Pure. */

export interface Share {
  readonly weight: number;
}

/**
 * Parts in proportion to the weights, by largest remainder; the first of equals gets more.
 * @param total a whole number
 */
export function divide(total: number, shares: readonly Share[]): number[] {
  const sum = shares.reduce((all, { weight }) => all + weight, 0);
  const exact = shares.map(({ weight }) => total * weight / sum);
  const parts = exact.map(Math.floor);
  const byRemainder = exact.map((value, i) => ({ i, rest: value - parts[i]! })).sort((one, other) =>
    other.rest - one.rest || one.i - other.i
  );
  const left = total - parts.reduce((all, part) => all + part, 0);
  for (const { i } of byRemainder.slice(0, left)) parts[i]!++;
  return parts;
}

export interface Place {
  /** Nodes that serve, as the config has them. */
  readonly nodes: readonly (Share & { readonly id: number })[];
  readonly nodeId: number;
  /** Proxy processes of each node, and which this is. */
  readonly workers: number;
  readonly worker: number;
}

/**
 * The parts of one pool's back ends, divided anew whenever another node has failed or is back. While the nodes do not know it yet, within
 * two seconds, the parts may add up to more or less.
 */
export class DividedLimits {
  #serving = "";

  constructor(readonly place: Place, readonly hasFailed: (node: number) => boolean) {}

  /** Looks who serves now. */
  divide(backEnds: readonly { limit: number; readonly config: { readonly max_connections: number } }[]): void {
    const nodes = this.place.nodes.filter(({ id }) => !this.hasFailed(id));
    const serving = nodes.map(({ id }) => id).join();
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const backEnd of backEnds) {
      backEnd.limit = limitOf(backEnd.config.max_connections, { ...this.place, nodes });
    }
  }
}

/** At least 1: a process without any part would let all of its requests wait for ever. 0, no limit, stays 0. */
export function limitOf(total: number, { nodes, nodeId, workers, worker }: Place): number {
  if (total === 0) return 0;
  const own = nodes.findIndex(({ id }) => id === nodeId);
  const ofNode = own < 0 ? 0 : divide(total, nodes)[own]!;
  const alike = Array.from({ length: workers }, () => ({ weight: 1 }));
  return Math.max(1, divide(ofNode, alike)[worker] ?? 0);
}
