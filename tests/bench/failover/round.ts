/** One round: an array that is well, a client that opens connections, a fault, and what came of it. */
import { delay } from "../../../core/delay.ts";
import { type FailoverArray, PORT, VIP } from "./array.ts";
import { ConnectionHolder, Witness } from "./client.ts";
import type { Fault } from "./faults.ts";

export interface Outcome {
  /** Longest time without the VIP, ms. */
  readonly gapMs: number;
  /** Longest time in which the witness sent none, ms. */
  readonly ownGapMs: number;
  readonly twoOwnerMs: number;
  /** New connections that were refused. */
  readonly refused: number;
  /** Established connections of nodes that serve on, and how many of them were lost, by node. */
  readonly held: number;
  readonly lost: Readonly<Record<string, number>>;
}

/** Connections are opened so long before the fault, ms. */
const BEFORE_MS = 1_000;
/** The end of what is watched is not judged: answers are under way, ms. */
const MARGIN_MS = 100;

/** @param during is called as soon as the fault has struck */
export async function round(
  array: FailoverArray,
  witness: string,
  fault: Fault,
  victims: readonly string[],
  during: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Outcome> {
  const watch = new Witness(array.client, witness, VIP, PORT);
  const holder = new ConnectionHolder(array.client, VIP, PORT);
  await holder.opening();
  await delay(BEFORE_MS);
  const from = Date.now();
  const watched = delay(fault.watchMs);
  await fault.strike(array, victims);
  await Promise.all([during(), holder.stop(), watched]);
  const to = Date.now() - MARGIN_MS;
  const gone = fault.takesVictims ? victims : [];
  const ports = new Map<string, Set<number>>();
  for (const name of array.nodes) if (!gone.includes(name)) ports.set(name, await array.portsOf(name));
  const { held, refused } = await holder.report(gone.map((name) => array.lab.host(name).address));
  const seen = await watch.end();

  const nameOf = ({ port, node }: { port: number; node: string | undefined }) =>
    array.nodes.find((name) => array.lab.host(name).address === node) ??
      [...ports].find(([, of]) => of.has(port))?.[0];
  const lost: Record<string, number> = {};
  let surviving = 0;
  for (const connection of held) {
    const name = nameOf(connection);
    // One that no node has was a victim's, or nobody's: it had not answered yet.
    if (name === undefined || gone.includes(name)) continue;
    surviving++;
    if (!connection.lives) lost[name] = (lost[name] ?? 0) + 1;
  }
  return {
    gapMs: seen.gapMs(from, to),
    ownGapMs: seen.ownGapMs(from, to),
    twoOwnerMs: seen.twoOwnerMs(from, to),
    refused: refused + seen.refused(from, to),
    held: surviving,
    lost,
  };
}

export function lostOf({ lost }: Outcome): number {
  return Object.values(lost).reduce((sum, count) => sum + count, 0);
}
