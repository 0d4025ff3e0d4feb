/** `deno task bench tls`: HTTPS of our server beside HAProxy and nginx, each part from its own file. */
import { LoadGenerator } from "../load/generator.ts";
import { Progress } from "../progress.ts";
import { type Bench, type Found, together } from "../report.ts";
import { FEW, LOAD_CORE, MANY, PROXIES, ProxySetup } from "../setup.ts";
import { warmUp } from "../wrk.ts";
import { measureTlsCpu } from "./cpu.ts";
import { measureHandshakes } from "./handshakes.ts";
import { measureIdleTls } from "./idle.ts";
import { negotiated } from "./negotiated.ts";

const SIZES = ["100B", "1MiB"] as const;

/** Each connection of the idle ones costs both sides a handshake, which is time. */
const QUICK = {
  rounds: 3,
  seconds: 2,
  warmUpRequests: 50_000,
  settleMs: 1_000,
  handshakes: 1_000,
  idleConnections: 2_000,
};
const FULL = {
  rounds: 7,
  seconds: 5,
  warmUpRequests: 200_000,
  settleMs: 4_000,
  handshakes: 8_000,
  idleConnections: 4_000,
};

export const bench: Bench = async ({ quick }) => {
  const plan = quick ? QUICK : FULL;
  const load = new LoadGenerator(LOAD_CORE);
  const progress = new Progress("tls");
  const found: Found[] = [];
  const notes: string[] = [];
  try {
    // Memory first, in processes that did nothing else.
    progress.say("memory of idle connections");
    found.push(await measureIdleTls(plan));
    await ProxySetup.with({ proxies: PROXIES, tls: "ecdsa" }, async (proxies, setup) => {
      notes.push(await negotiated(proxies));
      for (const kind of ["handshake_ecdsa", "resumed"] as const) {
        progress.say(kind);
        found.push(await measureHandshakes(proxies, { ...plan, kind, load }));
      }
      for (const size of SIZES) {
        progress.say(`CPU a request, answers of ${size}`);
        await warmUp(proxies, size);
        for (const connections of [FEW, MANY]) {
          found.push(await measureTlsCpu(proxies, setup, { ...plan, size, connections }));
        }
      }
    });
    await ProxySetup.with({ proxies: PROXIES, tls: "rsa" }, async (proxies) => {
      progress.say("handshake_rsa");
      notes.push(await negotiated(proxies));
      found.push(await measureHandshakes(proxies, { ...plan, kind: "handshake_rsa", load }));
    });
    progress.say("done");
  } finally {
    await load.stop();
  }
  return { name: "tls", notes, ...together(found) };
};
