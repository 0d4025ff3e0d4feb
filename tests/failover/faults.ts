/** Faults that happen to a simulated array at random, each of which ends again. */
import { Simulation, TIMING } from "./simulator.ts";

/** Faults begin within it, ms. */
const TROUBLE_MS = 12_000;
/** After the last fault everything is well for so long, ms. */
const CALM_MS = 8_000;
const FAULT_MS: readonly [shortest: number, longest: number] = [50, 7_000];

/** A fault: begins at once and returns what ends it. */
type Fault = (simulation: Simulation) => () => void;

const FAULTS: Readonly<Record<string, Fault>> = {
  loses(simulation) {
    return disturb(simulation, { loss: simulation.random.next() * 0.6, slowness: 0 });
  },
  delays(simulation) {
    return disturb(simulation, { loss: 0, slowness: simulation.random.whole(10, 400) });
  },
  splits(simulation) {
    const { nodes, random, network } = simulation;
    const half = new Set(nodes.filter(() => random.chance(0.5)).map(({ id }) => id));
    const oneWay = random.chance(0.4);
    simulation.note(`${oneWay ? "one-way " : ""}split: ${[...half]} apart`);
    const ways = nodes.flatMap(({ id: from }) => nodes.map(({ id: to }) => [from, to] as const))
      .filter(([from, to]) => half.has(from) !== half.has(to) && (!oneWay || half.has(from)));
    ways.forEach(([from, to]) => network.block(from, to, true));
    return () => ways.forEach(([from, to]) => network.block(from, to, false));
  },
  cuts(simulation) {
    const { nodes, random, network } = simulation;
    const from = random.pick(nodes).id, to = (from + random.whole(1, nodes.length - 1)) % nodes.length;
    simulation.note(`nothing passes from ${from} to ${to}`);
    network.block(from, to, true);
    return () => network.block(from, to, false);
  },
  deafens(simulation) {
    const { nodes, network } = simulation;
    const deaf = victim(simulation);
    simulation.note(`node ${deaf.id} hears nothing`);
    nodes.forEach(({ id }) => id !== deaf.id && network.block(id, deaf.id, true));
    return () => nodes.forEach(({ id }) => id !== deaf.id && network.block(id, deaf.id, false));
  },
  unplugs(simulation) {
    const node = victim(simulation);
    if (simulation.network.down.has(node.id)) return () => {};
    simulation.note(`node ${node.id} has no link`);
    simulation.network.setDown(node.id, true);
    return () => simulation.network.setDown(node.id, false);
  },
  pauses(simulation) {
    const node = victim(simulation);
    simulation.note(`node ${node.id} stands still`);
    node.pause();
    return () => node.resume();
  },
  crashes(simulation) {
    const node = victim(simulation);
    simulation.note(`node ${node.id} crashes`);
    if (simulation.random.chance(0.5)) node.crash();
    else node.crashAfterActions = simulation.random.whole(1, 60);
    return () => node.start();
  },
  ends(simulation) {
    const node = victim(simulation);
    simulation.note(`the process of node ${node.id} ends`);
    node.endProcess();
    return () => node.start();
  },
  steps(simulation) {
    const node = victim(simulation), { random } = simulation;
    const ms = random.whole(-5000, 5000);
    simulation.note(`the clock of node ${node.id} steps by ${ms} ms`);
    node.stepClock(ms);
    return () => {};
  },
  hands(simulation) {
    const { random, nodes } = simulation;
    const to = random.chance(0.5) ? undefined : random.pick(nodes).id;
    simulation.note(`hand-over to ${to ?? "any"}`);
    nodes.filter((node) => node.hasVip).forEach((node) => node.tell({ kind: "handover", to }));
    return () => {};
  },
};

/** Two times in three who has the VIP. */
function victim({ nodes, random }: Simulation) {
  const owner = nodes.find((node) => node.hasVip);
  return owner && random.chance(0.66) ? owner : random.pick(nodes);
}

function disturb(simulation: Simulation, how: { loss: number; slowness: number }): () => void {
  const { nodes, random, network } = simulation;
  simulation.note(`loss ${how.loss.toFixed(2)}, delay up to ${how.slowness} ms`);
  const ways = nodes.flatMap(({ id: from }) => nodes.map(({ id: to }) => [from, to] as const))
    .filter(() => random.chance(0.7));
  ways.forEach(([from, to]) => network.disturb(from, to, how));
  return () => ways.forEach(([from, to]) => network.disturb(from, to, { loss: 0, slowness: 0 }));
}

/** Runs one schedule of faults over an array of 2 to 7 nodes. */
export function runSchedule(seed: number): Simulation {
  const count = 2 + seed % 6;
  const timing = seed % 5 === 0 ? { ...TIMING, preemptDelay: 1000 } : TIMING;
  const simulation = new Simulation(seed, count, timing, seed % 4 === 0);
  const { random, queue } = simulation;
  const kinds = Object.values(FAULTS);
  for (let fault = random.whole(1, 8); fault > 0; fault--) {
    queue.after(random.next() * TROUBLE_MS, () => {
      const end = random.pick(kinds)(simulation);
      queue.after(random.whole(...FAULT_MS), end);
    });
  }
  queue.after(TROUBLE_MS + FAULT_MS[1], () => simulation.nodes.forEach((node) => node.start()));
  simulation.run(TROUBLE_MS + FAULT_MS[1] + CALM_MS);
  return simulation;
}

if (import.meta.main) {
  const [seed, count] = Deno.args.map(Number);
  for (let at = seed!; at < seed! + (count ?? 1); at++) {
    const { referee, story, owners } = runSchedule(at);
    if (count === undefined) story.forEach((line) => console.log(line));
    if (count === undefined || referee.failure) console.log(`seed ${at}: ${referee.failure ?? `owner ${owners}`}`);
  }
}
