/** Run in a host of the laboratory: prints as JSON what it sees there. */
import { loadConfig } from "../../core/config/load.ts";
import { delay } from "../../core/delay.ts";
import { thisNode } from "../../core/node/identity.ts";
import { VipWatch } from "../../core/scheduler/vip_watch.ts";
import { Pinger } from "../../core/status/pinger.ts";
import { isLinkUp } from "../../ffi/ethtool.ts";

/** Answers come within a millisecond. */
const WAIT_MS = 100;

async function ping(addresses: readonly string[]): Promise<unknown> {
  const targets = addresses.map((address, id) => ({ id, address }));
  const pinger = new Pinger(targets);
  for (let i = 0; i < 5; i++) {
    pinger.tick();
    await delay(WAIT_MS);
  }
  pinger.close();
  return {
    missed: targets.map(({ id }) => pinger.missed(id)),
    everHeard: targets.map(({ id }) => pinger.heardAt(id) > 0),
  };
}

async function watch(configFile: string, node: string): Promise<unknown> {
  const config = loadConfig(configFile);
  const watch = new VipWatch(config, thisNode(config, node));
  watch.solicit();
  await delay(WAIT_MS);
  const sightings = watch.read();
  watch.close();
  return sightings;
}

if (import.meta.main) {
  const [what, ...args] = Deno.args;
  const seen = what === "ping"
    ? await ping(args)
    : what === "link"
    ? isLinkUp(args[0]!)
    : await watch(args[0]!, args[1]!);
  console.log(JSON.stringify(seen));
}
