import assert from "node:assert/strict";
import { Election } from "../../core/failover/election.ts";
import type { Action, Durable, ElectionPlan } from "../../core/failover/machine.ts";
import type { Message } from "../../core/failover/messages.ts";
import { Simulation, TIMING } from "./simulator.ts";

/** Begins an array of so many nodes whose scheduler is node 0. */
function array(count: number, timing = TIMING, hasWitness = false): Simulation {
  const simulation = new Simulation(count, count, timing, hasWitness);
  simulation.run(1500);
  assert.deepEqual(simulation.owners, [0]);
  return simulation;
}

/** Time until another than `former` has the VIP, ms. */
function untilTaken(simulation: Simulation, former: number, limit: number): number {
  const begun = simulation.queue.now;
  while (!simulation.owners.some((owner) => owner !== former)) {
    simulation.run(10);
    assert.ok(simulation.queue.now - begun < limit, `nobody took the VIP for ${limit} ms`);
  }
  return simulation.queue.now - begun;
}

function setDeaf({ network, nodes }: Simulation, deaf: number, isDeaf: boolean): void {
  nodes.forEach(({ id }) => id !== deaf && network.block(id, deaf, isDeaf));
}

Deno.test("a new array has one scheduler: the first of the ranking, whatever the number of nodes", () => {
  for (let count = 2; count <= 7; count++) assert.equal(array(count).referee.claims, 1);
});

Deno.test("the best of the living takes the VIP of a dead machine within 500 ms, by the votes of a majority", () => {
  for (let count = 3; count <= 7; count++) {
    const simulation = array(count);
    simulation.nodes[0]!.crash();
    const took = untilTaken(simulation, 0, 500);
    assert.deepEqual(simulation.owners, [1], `after ${took} ms`);
    assert.ok(simulation.nodes[1]!.election!.isQuorate);
  }
});

Deno.test("a machine that comes back follows: no preemption unless the config says so", () => {
  const simulation = array(3);
  simulation.nodes[0]!.crash();
  untilTaken(simulation, 0, 500);
  simulation.run(1000);
  simulation.nodes[0]!.start();
  simulation.run(60_000);
  assert.deepEqual(simulation.owners, [1]);
  assert.deepEqual(simulation.nodes[1]!.members, [0, 1, 2]);
});

Deno.test("with preemption the better node gets the VIP back after the delay, by a hand-over", () => {
  const simulation = array(3, { ...TIMING, preemptDelay: 5000 });
  simulation.nodes[0]!.crash();
  untilTaken(simulation, 0, 500);
  simulation.nodes[0]!.start();
  simulation.run(4000);
  assert.deepEqual(simulation.owners, [1]);
  simulation.run(3000);
  assert.deepEqual(simulation.owners, [0]);
  assert.equal(simulation.referee.failure, undefined);
});

Deno.test("a node that hears nothing never takes the VIP from a healthy scheduler, of two or of more", () => {
  for (const count of [2, 3, 5]) {
    for (const deaf of [1, count - 1]) {
      const simulation = array(count);
      setDeaf(simulation, deaf, true);
      simulation.run(20_000);
      setDeaf(simulation, deaf, false);
      simulation.run(3000);
      assert.deepEqual(simulation.owners, [0], `of ${count} nodes node ${deaf} is deaf`);
      assert.equal(simulation.referee.claims, 1 + renewals(simulation));
    }
  }
});

/** Claims by the scheduler that had the VIP already. */
function renewals({ story }: Simulation): number {
  return story.filter((line) => line.includes("node 0 takes")).length - 1;
}

Deno.test("a deaf or mute scheduler is replaced, and yields once it can hear", () => {
  for (const isDeafOne of [true, false]) {
    const simulation = array(4);
    const { network, nodes } = simulation;
    const block = (blocked: boolean) =>
      nodes.forEach(({ id }) => id !== 0 && network.block(isDeafOne ? id : 0, isDeafOne ? 0 : id, blocked));
    block(true);
    untilTaken(simulation, 0, 600);
    simulation.run(5000);
    block(false);
    simulation.run(200);
    assert.deepEqual(simulation.owners, [1]);
  }
});

Deno.test("members that died leave one by one; the last machine standing serves", () => {
  const simulation = array(4);
  for (const [dead, expected] of [[0, 1], [1, 2], [2, 3]] as const) {
    simulation.nodes[dead]!.crash();
    const took = untilTaken(simulation, dead, 5000);
    assert.deepEqual(simulation.owners, [expected], `after ${took} ms`);
    simulation.run(8000);
    assert.ok(!simulation.nodes[expected]!.members.includes(dead) || expected === 3, "it left the membership");
  }
  assert.deepEqual(simulation.owners, [3]);
});

Deno.test("of four nodes the two that are left serve after alone_timeout though they are no majority", () => {
  const simulation = array(4);
  simulation.nodes[0]!.crash();
  simulation.nodes[3]!.crash();
  const took = untilTaken(simulation, 0, 5000);
  assert.ok(took > TIMING.aloneTimeout, `after ${took} ms`);
  assert.deepEqual(simulation.owners, [1]);
});

Deno.test("of two nodes the worse one waits alone_timeout, or asks the witness and does not", () => {
  for (const [hasWitness, shortest, longest] of [[false, 3000, 4000], [true, 300, 600]] as const) {
    const simulation = array(2, TIMING, hasWitness);
    simulation.nodes[0]!.crash();
    const took = untilTaken(simulation, 0, longest);
    assert.ok(took >= shortest, `witness ${hasWitness}: after ${took} ms`);
  }
});

Deno.test("a witness that does not answer keeps the last node from serving", () => {
  const simulation = array(2, TIMING, true);
  simulation.nodes[1]!.tell({ kind: "witness", answers: false });
  simulation.nodes[0]!.crash();
  simulation.run(20_000);
  assert.deepEqual(simulation.owners, []);
  simulation.nodes[1]!.tell({ kind: "witness", answers: true });
  simulation.run(100);
  assert.deepEqual(simulation.owners, [1]);
});

Deno.test("a scheduler that has lost the others keeps the VIP until it hears a higher epoch", () => {
  const simulation = array(5);
  const { network } = simulation;
  const cut = (blocked: boolean) => {
    for (const inside of [0, 1]) {
      for (const outside of [2, 3, 4]) {
        network.block(inside, outside, blocked);
        network.block(outside, inside, blocked);
      }
    }
  };
  cut(true);
  simulation.run(10_000);
  assert.deepEqual(simulation.owners, [0, 2]);
  cut(false);
  simulation.run(400);
  assert.deepEqual(simulation.owners, [2]);
});

// The loser's clients went on to it, where it heard the winner before the winner heard of it.
Deno.test("the winner announces the VIP when a split heals, whoever hears the other first", () => {
  for (let phase = 0; phase < 30; phase++) {
    const simulation = array(3), { nodes, network, referee } = simulation;
    const split = (isSplit: boolean) =>
      [1, 2].forEach((id) => (network.block(0, id, isSplit), network.block(id, 0, isSplit)));
    split(true);
    simulation.run(4000 + phase * 7);
    assert.deepEqual(simulation.owners, [0, 1]);
    const said = () => referee.claims + nodes[1]!.announcements;
    const before = said();
    split(false);
    simulation.run(500);
    assert.deepEqual(simulation.owners, [1]);
    assert.ok(said() > before, `phase ${phase}`);
    const after = nodes[1]!.announcements;
    simulation.run(3000);
    assert.ok(nodes[1]!.announcements <= after + 2, "once, not for ever");
  }
});

Deno.test("a stopped process loses the VIP when its lease is over, and learns who has it before it sends anything", () => {
  const simulation = array(3);
  const stopped = simulation.nodes[0]!;
  stopped.pause();
  simulation.run(3000);
  assert.deepEqual(simulation.owners, [0], "its kernel goes on");
  simulation.run(4000);
  assert.deepEqual(simulation.owners, [1]);
  stopped.resume();
  simulation.run(1000);
  assert.deepEqual(simulation.owners, [1]);
  assert.equal(simulation.referee.worstTwo, 0);
});

Deno.test("the lease of a stopped process ends before another takes the VIP, and little more than a second before", () => {
  for (let phase = 0; phase < 50; phase++) {
    const simulation = array(3 + phase % 5);
    simulation.run(phase * 20);
    simulation.nodes[0]!.pause();
    let without = 0;
    while (!simulation.owners.some((owner) => owner !== 0)) {
      simulation.run(10);
      assert.ok(simulation.owners.length < 2, `nodes ${simulation.owners} have the VIP`);
      if (simulation.owners.length === 0) without += 10;
      assert.ok(without <= 1500, `nobody has had the VIP for ${without} ms`);
    }
  }
});

// Two nodes that had been parted had it for the whole lease: the one could not be elected, and the other had the lower epoch.
Deno.test("a lease that only runs on gives way to one who serves, unless its node is scheduler again at once", () => {
  const election = new Election(
    PLAN,
    { promised: 514, membership: { epoch: 514, sequence: 0, members: [1, 2] } },
    514,
    0,
  );
  const serving = {
    kind: "beat",
    epoch: 256,
    isQuorate: true,
    isFinal: true,
    heard: [],
    heir: undefined,
    table: 0,
  } as const;
  let yielded: number | undefined;
  for (let now = 0; now < 1000 && yielded === undefined; now += 20) {
    const actions = election.step({ kind: "tick" }, now);
    if (now % 100 === 0) {
      actions.push(
        ...election.step({ kind: "message", from: 0, message: { ...serving, membership: CONFIGURED } }, now),
      );
    }
    if (actions.some(({ kind }) => kind === "yield")) yielded = now;
  }
  assert.equal(yielded, 600);
  assert.equal(election.epoch, 0);
});

Deno.test("a failover process that is restarted within its lease keeps the VIP", () => {
  const simulation = array(3);
  simulation.nodes[0]!.endProcess();
  simulation.run(1500);
  simulation.nodes[0]!.start();
  for (let i = 0; i < 500; i++) {
    simulation.run(10);
    assert.deepEqual(simulation.owners, [0]);
  }
});

Deno.test("a hand-over goes to the named node, or to the best that is ready", () => {
  for (const [to, expected] of [[2, 2], [undefined, 1]] as const) {
    const simulation = array(4);
    simulation.nodes[0]!.tell({ kind: "handover", to });
    simulation.run(300);
    assert.deepEqual(simulation.owners, [expected]);
    assert.equal(simulation.nodes[0]!.lastHandover, undefined, "it was done");
  }
});

Deno.test("a hand-over that cannot be done says why and changes nothing", () => {
  const simulation = array(3);
  const outcome = (node: number, to: number | undefined) => {
    simulation.nodes[node]!.tell({ kind: "handover", to });
    simulation.run(5000);
    return simulation.nodes[node]!.lastHandover;
  };
  assert.equal(outcome(1, undefined), "this node is not the scheduler");
  simulation.nodes[2]!.tell({ kind: "engine", isReady: false });
  simulation.run(200);
  assert.equal(outcome(0, 2), "that node is not ready");
  assert.equal(outcome(0, 77), "that node is not ready");
  assert.deepEqual(simulation.owners, [0]);
  // The heir dies in the midst of it.
  simulation.nodes[0]!.tell({ kind: "handover", to: 1 });
  simulation.nodes[1]!.crash();
  simulation.run(4000);
  assert.equal(simulation.nodes[0]!.lastHandover, "that node did not take over in time");
  assert.deepEqual(simulation.owners, [0]);
});

Deno.test("a scheduler whose engine does not come back hands over", () => {
  const simulation = array(3);
  simulation.nodes[0]!.tell({ kind: "engine", isReady: false });
  simulation.run(TIMING.processTimeout + 500);
  assert.deepEqual(simulation.owners, [1]);
});

const IDS = [0, 1, 2];
const PLAN: ElectionPlan = {
  self: 2,
  ranking: IDS,
  eligible: new Set(IDS),
  first: 0,
  hasWitness: false,
  arbiter: undefined,
  timing: TIMING,
};
const CONFIGURED = { epoch: 0, sequence: 0, members: IDS };

/** Node 2 after its learning time, and the messages it sends for an event. */
function voter(durable: Durable = { promised: 0, membership: CONFIGURED }) {
  const election = new Election(PLAN, durable, 0, 0);
  let now = 0;
  const step = (event: Parameters<Election["step"]>[0]): Action[] => election.step(event, now);
  for (; now < 400; now += 20) step({ kind: "tick" });
  return {
    election,
    hear: (from: number, message: Message) => step({ kind: "message", from, message }),
    pass: (ms: number) => {
      now += ms;
      return step({ kind: "tick" });
    },
    ping: (node: number, missed: number) => step({ kind: "ping", node, missed }),
    beReady: () => step({ kind: "engine", isReady: true }),
  };
}

const request = (epoch: number, membership = CONFIGURED): Message => ({
  kind: "request",
  epoch,
  membership,
  yielding: 0,
});
const kinds = (actions: readonly Action[]) =>
  actions.map((action) => action.kind === "send" ? action.message.kind : action.kind);

Deno.test("a vote is persisted before it is acknowledged, and never given below what was promised", () => {
  const { hear, election } = voter();
  assert.deepEqual(kinds(hear(0, request(256))), ["persist", "grant"]);
  assert.deepEqual(kinds(hear(0, request(256))), ["grant"], "asked again");
  // Another process of the same node, from what was persisted.
  const restarted = voter({ promised: 513, membership: CONFIGURED });
  assert.deepEqual(kinds(restarted.hear(0, request(256))), ["refusal"]);
  assert.deepEqual(kinds(restarted.hear(0, request(768))), ["persist", "grant"]);
  assert.equal(election.state, "following");
});

Deno.test("no vote for one who asks by an epoch of another node, or with an older membership, or without being a member", () => {
  const older = { promised: 0, membership: { epoch: 256, sequence: 1, members: [1, 2] } };
  assert.deepEqual(kinds(voter().hear(1, request(256))), [], "256 is node 0's");
  assert.deepEqual(kinds(voter(older).hear(1, request(513))), ["refusal"]);
  assert.deepEqual(kinds(voter(older).hear(0, request(512, older.membership))), ["refusal"]);
  assert.deepEqual(kinds(voter(older).hear(1, request(513, older.membership))), ["persist", "grant"]);
  const newer = { epoch: 256, sequence: 1, members: [0, 2] };
  assert.deepEqual(kinds(voter().hear(1, request(513, newer))), ["refusal"], "it is in this node's alone");
});

// A node that had left asked on, and was the better one: those who had not heard of it gave it their votes, and nobody could win.
Deno.test("a candidate that learns of a membership without it asks no longer, unless nobody of that is left", () => {
  const { hear, ping, pass, beReady, election } = voter();
  beReady();
  const later = { epoch: 256, sequence: 1, members: [0, 1] };
  hear(0, {
    kind: "beat",
    epoch: 256,
    isQuorate: true,
    isFinal: true,
    membership: CONFIGURED,
    heard: [2],
    heir: undefined,
    table: 0,
  });
  ping(0, 3);
  ping(1, 0);
  for (let passed = 0; passed < 200; passed += 20) pass(20);
  assert.equal(election.state, "candidate");
  hear(1, { kind: "refusal", epoch: 258 + 256, promised: 256, membership: later });
  for (let passed = 0; passed < 1000; passed += 20) assert.deepEqual(kinds(pass(20)), []);
  assert.equal(election.state, "following");
  ping(1, 3);
  pass(20);
  pass(20);
  assert.equal(election.state, "candidate");
});

Deno.test("no vote against a scheduler that this node finds alive; three missed pings change that", () => {
  const { hear, ping } = voter();
  hear(0, {
    kind: "beat",
    epoch: 256,
    isQuorate: true,
    isFinal: true,
    membership: CONFIGURED,
    heard: [1, 2],
    heir: undefined,
    table: 0,
  });
  ping(0, 2);
  assert.deepEqual(kinds(hear(1, request(513))), ["refusal"]);
  ping(0, 3);
  assert.deepEqual(kinds(hear(1, request(513))), ["persist", "grant"]);
});

Deno.test("a node that ran late sends nothing until it has listened", () => {
  const { hear, pass, election } = voter();
  assert.deepEqual(pass(1000), []);
  assert.equal(election.state, "learning");
  assert.deepEqual(hear(0, request(256)), []);
  for (let waited = 0; waited < 300; waited += 20) assert.deepEqual(pass(20), []);
  assert.equal(election.state, "following");
  // A clock that was set back is no reason to trust it.
  pass(-500);
  assert.equal(election.state, "learning");
});

Deno.test("whoever asked for a hand-over is answered, also when the scheduler stands still in the midst of it", () => {
  const simulation = array(3);
  simulation.nodes[0]!.tell({ kind: "handover", to: undefined });
  simulation.nodes[0]!.pause();
  simulation.run(1000);
  simulation.nodes[0]!.resume();
  simulation.run(1000);
  assert.equal(simulation.nodes[0]!.lastHandover, "it was interrupted");
  assert.deepEqual(simulation.owners, [0]);
});

Deno.test("a link that is down for a moment moves nothing; one that stays down does", () => {
  for (const [ms, expected] of [[150, 0], [1500, 1]] as const) {
    const simulation = array(4);
    simulation.network.setDown(0, true);
    simulation.run(ms);
    simulation.network.setDown(0, false);
    simulation.run(1500);
    assert.deepEqual(simulation.owners, [expected]);
    assert.ok(simulation.referee.worstTwo < 200, `${simulation.referee.worstTwo} ms`);
  }
});

Deno.test("a node that hears and is not heard never takes the VIP from a healthy scheduler", () => {
  for (const count of [2, 3, 5]) {
    const simulation = array(count);
    const mute = (isMute: boolean) =>
      simulation.nodes.forEach(({ id }) => id !== 1 && simulation.network.block(1, id, isMute));
    mute(true);
    simulation.run(20_000);
    assert.deepEqual(simulation.owners, [0], `of ${count}`);
    mute(false);
    simulation.run(3000);
    assert.deepEqual(simulation.owners, [0]);
    assert.ok(simulation.story.every((line) => line.includes("node 0 takes")), simulation.story.join("\n"));
  }
});
