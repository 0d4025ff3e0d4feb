/** Checks the back ends of a config and asks for the load of their machines, all beside each other, and writes what it found. */
import { besideConfig } from "../config/paths.ts";
import type { BackEndConfig, Config, PoolConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import type { BackEndControl } from "../proxy/back_end_control.ts";
import { askAgent, loadFraction } from "./agent.ts";
import { checkOnce, type CheckTarget } from "./check.ts";
import { processorLoad } from "./processor_load.ts";
import { Tally } from "./tally.ts";

/** Machines answer within so long, or are as they were, ms. */
const LOAD_TIMEOUT_MS = 2_000;

export interface BackEndWatchOptions {
  readonly config: Config;
  readonly configFile: string;
  readonly control: BackEndControl;
  readonly log: (line: string) => void;
}

export class BackEndWatch {
  constructor(readonly options: BackEndWatchOptions) {}

  /** Runs until the signal aborts. */
  async run(stop: AbortSignal): Promise<void> {
    const { config, control } = this.options;
    control.begin();
    let row = 0;
    const running: Promise<void>[] = [];
    for (const pool of config.pools) {
      for (const backEnd of pool.back_ends) {
        const own = row++;
        if (pool.check) running.push(this.#check(pool, backEnd, own, stop));
        if (backEnd.agent_port !== undefined || backEnd.snmp) running.push(this.#askLoad(pool, backEnd, own, stop));
      }
    }
    await Promise.all(running);
  }

  async #check(pool: PoolConfig, backEnd: BackEndConfig, row: number, stop: AbortSignal): Promise<void> {
    const { control, log } = this.options;
    const check = pool.check!;
    const tally = new Tally(check);
    const { address, port } = backEnd.address;
    const name = `back end ${backEnd.key} of pool ${pool.name} (${address}:${port})`;
    while (!stop.aborted) {
      const next = delay(check.interval, stop);
      const why = await checkOnce(check, this.#target(pool, backEnd), stop);
      if (stop.aborted) return;
      if (tally.record(why === undefined)) log(why === undefined ? `${name} is up` : `${name} is down: ${why}`);
      control.setUp(row, tally.isUp!);
      await next;
    }
  }

  #target({ tls }: PoolConfig, { address }: BackEndConfig): CheckTarget {
    if (tls === undefined) return { ...address, tls: undefined };
    const { ca, server_name, verify } = tls;
    const text = ca === undefined ? undefined : Deno.readTextFileSync(besideConfig(this.options.configFile, ca));
    return { ...address, tls: { ca: text, server_name, verify } };
  }

  async #askLoad(pool: PoolConfig, backEnd: BackEndConfig, row: number, stop: AbortSignal): Promise<void> {
    const { address: { address }, agent_port, snmp } = backEnd;
    while (!stop.aborted) {
      const next = delay(pool.load_interval, stop);
      const signal = AbortSignal.any([stop, AbortSignal.timeout(LOAD_TIMEOUT_MS)]);
      const [said, load] = await Promise.all([
        agent_port === undefined ? undefined : askAgent(address, agent_port, signal),
        snmp === undefined ? undefined : processorLoad({ address, ...snmp }, signal),
      ]);
      // What was said last counts until something else is said.
      if (said !== undefined) this.options.control.setFraction(row, said);
      else if (load !== undefined) this.options.control.setFraction(row, loadFraction(load));
      await next;
    }
  }
}
