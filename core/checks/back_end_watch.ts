/** Checks the back ends of a config and asks for the load of their machines, all beside each other, and writes what it found. */
import { besideConfig } from "../config/paths.ts";
import type { BackEndConfig, Config, PoolConfig } from "../config/schema.ts";
import { isIpv4 } from "../scheduler/addresses.ts";
import { delay } from "../delay.ts";
import type { BackEndControl } from "../proxy/back_end_control.ts";
import { askAgent, loadFraction } from "./agent.ts";
import { checkOnce, type CheckTarget } from "./check.ts";
import { processorLoad } from "./processor_load.ts";
import { ipToU32, u32ToIp } from "../scheduler/addresses.ts";
import { type Asked, resolve, RETRY_MS, systemResolver } from "./resolver.ts";
import { Tally } from "./tally.ts";

/** Machines answer within so long, or are as they were, ms. */
const LOAD_TIMEOUT_MS = 2_000;

export interface BackEndWatchOptions {
  readonly config: Config;
  readonly configFile: string;
  readonly control: BackEndControl;
  readonly log: (line: string) => void;
  /** The system's where absent. */
  readonly resolver?: Asked;
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
        if (!isIpv4(backEnd.address.address)) running.push(this.#resolve(pool, backEnd, own, stop));
        // What a check or an agent said that the config has no longer must not stay for ever.
        if (pool.check) running.push(this.#check(pool, backEnd, own, stop));
        else control.setUp(own, true);
        if (backEnd.agent_port !== undefined || backEnd.snmp) running.push(this.#askLoad(pool, backEnd, own, stop));
        else control.setFraction(own, 1);
      }
    }
    await Promise.all(running);
  }

  async #resolve(pool: PoolConfig, backEnd: BackEndConfig, row: number, stop: AbortSignal): Promise<void> {
    const { control, log, resolver = systemResolver() } = this.options;
    const { address: name } = backEnd.address;
    let isKnown: boolean | undefined;
    while (!stop.aborted) {
      const before = this.#addressOf(backEnd, row);
      const answer = await resolve(resolver, name, before);
      if (stop.aborted) return;
      if (answer) control.setAddress(row, ipToU32(answer.address));
      const whom = `back end ${backEnd.key} of pool ${pool.name}`;
      if (answer && answer.address !== before) log(`${whom}: ${name} is ${answer.address}`);
      else if (!answer && isKnown !== false) log(`${whom}: ${name} cannot be resolved; it is ${before ?? "nowhere"}`);
      isKnown = answer !== undefined;
      await delay(answer?.again ?? RETRY_MS, stop);
    }
  }

  /** IPv4; undefined as long as a name is not resolved. */
  #addressOf({ address: { address } }: BackEndConfig, row: number): string | undefined {
    if (isIpv4(address)) return address;
    const resolved = this.options.control.address(row);
    return resolved === undefined ? undefined : u32ToIp(resolved);
  }

  async #check(pool: PoolConfig, backEnd: BackEndConfig, row: number, stop: AbortSignal): Promise<void> {
    const { control, log } = this.options;
    const check = pool.check!;
    const tally = new Tally(check);
    const { address, port } = backEnd.address;
    const name = `back end ${backEnd.key} of pool ${pool.name} (${address}:${port})`;
    while (!stop.aborted) {
      const next = delay(check.interval, stop);
      const target = this.#target(pool, backEnd, row);
      const why = target ? await checkOnce(check, target, stop) : "its name is not resolved";
      if (stop.aborted) return;
      if (tally.record(why === undefined)) log(why === undefined ? `${name} is up` : `${name} is down: ${why}`);
      control.setUp(row, tally.isUp!);
      await next;
    }
  }

  #target({ tls }: PoolConfig, backEnd: BackEndConfig, row: number): CheckTarget | undefined {
    const address = this.#addressOf(backEnd, row);
    if (address === undefined) return undefined;
    const { port } = backEnd.address;
    if (tls === undefined) return { address, port, tls: undefined };
    const { ca, server_name, verify } = tls;
    const text = ca === undefined ? undefined : Deno.readTextFileSync(besideConfig(this.options.configFile, ca));
    return { address, port, tls: { ca: text, server_name, verify } };
  }

  async #askLoad(pool: PoolConfig, backEnd: BackEndConfig, row: number, stop: AbortSignal): Promise<void> {
    const { agent_port, snmp } = backEnd;
    while (!stop.aborted) {
      const next = delay(pool.load_interval, stop);
      const signal = AbortSignal.any([stop, AbortSignal.timeout(LOAD_TIMEOUT_MS)]);
      const address = this.#addressOf(backEnd, row);
      const [said, load] = await Promise.all([
        agent_port === undefined || address === undefined ? undefined : askAgent(address, agent_port, signal),
        snmp === undefined || address === undefined ? undefined : processorLoad({ address, ...snmp }, signal),
      ]);
      // What was said last counts until something else is said.
      if (said !== undefined) this.options.control.setFraction(row, said);
      else if (load !== undefined) this.options.control.setFraction(row, loadFraction(load));
      await next;
    }
  }
}
