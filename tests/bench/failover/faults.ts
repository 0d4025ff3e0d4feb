/** What befalls the array, and how it ends. */
import type { FailoverArray } from "./array.ts";

export interface Fault {
  /** As in the names of rows and bars. */
  readonly name: string;
  /** Takes effect before it resolves. @param victims of the nodes, by name */
  readonly strike: (array: FailoverArray, victims: readonly string[]) => Promise<unknown>;
  readonly heal: (array: FailoverArray, victims: readonly string[]) => Promise<unknown>;
  /** The victims cannot serve afterwards: their own connections are not counted. */
  readonly takesVictims: boolean;
  /** So long it is watched, ms. */
  readonly watchMs: number;
}

/** Longer than the take-over from a silent process lasts (`failover.process_timeout`), ms. */
const PROCESS_WATCH_MS = 8_000;
const WATCH_MS = 2_000;

const nothing = () => Promise.resolve();

async function signal(array: FailoverArray, victims: readonly string[], name: Deno.Signal): Promise<void> {
  for (const victim of victims) for (const pid of await array.lab.host(victim).pids()) Deno.kill(pid, name);
}

async function linkUpAndStart(array: FailoverArray, victims: readonly string[]): Promise<void> {
  for (const victim of victims) {
    await array.lab.host(victim).must(["ip", "link", "set", "eth0", "up"]);
    array.startNode(victim);
  }
}

/** Machine death. */
export const DEATH: Fault = {
  name: "death",
  strike: (array, victims) => Promise.all(victims.map((victim) => array.lab.host(victim).die())),
  heal: linkUpAndStart,
  takesVictims: true,
  watchMs: WATCH_MS,
};

/** Every process of the machine stands still; its kernel goes on. */
export const STOP: Fault = {
  name: "stop",
  strike: (array, victims) => signal(array, victims, "SIGSTOP"),
  heal: nothing,
  takesVictims: true,
  watchMs: PROCESS_WATCH_MS,
};

/** And they go on, after another took over. */
export const CONT: Fault = {
  name: "cont",
  strike: (array, victims) => signal(array, victims, "SIGCONT"),
  heal: nothing,
  takesVictims: false,
  watchMs: WATCH_MS,
};

export const LINK_DOWN: Fault = {
  name: "link_down",
  strike: (array, victims) => array.lab.inSwitch(victims.map((name) => `ip link set dev ${name} down`).join("; ")),
  heal: (array, victims) => array.lab.inSwitch(victims.map((name) => `ip link set dev ${name} up`).join("; ")),
  takesVictims: true,
  watchMs: WATCH_MS,
};

/** What it sends is lost, what it is sent arrives. */
export const ONE_WAY: Fault = {
  name: "one_way",
  strike: (array, [victim]) =>
    array.lab.inSwitch(
      `nft 'table netdev bench { chain in { type filter hook ingress device "${victim}" priority 0; drop; }; }'`,
    ),
  heal: (array) => array.lab.inSwitch("nft delete table netdev bench"),
  takesVictims: true,
  watchMs: WATCH_MS,
};

/** The scheduler's process alone. */
export const PROCESS_KILLED: Fault = {
  name: "process_killed",
  strike: async (array, [victim]) => {
    for (const pid of await array.lab.host(victim!).pids("scheduler")) Deno.kill(pid, "SIGKILL");
  },
  heal: nothing,
  takesVictims: false,
  watchMs: WATCH_MS,
};

export const HANDOVER: Fault = {
  name: "handover",
  strike: (array, [victim]) => array.must("handover", victim!),
  heal: nothing,
  takesVictims: false,
  watchMs: WATCH_MS,
};

/** Two servers at once, none of them the scheduler. */
export const SERVER_DEATH: Fault = { ...DEATH, name: "server_death" };
