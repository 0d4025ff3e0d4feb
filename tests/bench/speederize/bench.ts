/** `deno task bench speederize`: rewriting beside nginx's sub_filter, cached pages beside proxied ones, the advisor beside an oracle. */
import { advise } from "../../speederize/advised.ts";
import { zipfTrace } from "../../speederize/zipf.ts";
import { page } from "../../speederize/pages.ts";
import { pinned } from "../process.ts";
import { Progress } from "../progress.ts";
import { bar, type Bench, type Found, median, row, together } from "../report.ts";
import { type PageName, PAGES, PROXY_CORE, type ServerName, SERVERS, SpeederizeSetup } from "./setup.ts";

/** Of the issue: MB/s of 1 MiB pages on one core; CPU of nginx doing the same; of a plain proxied request; of the best choice. */
const REWRITE_MB_S = 60;
const VS_SUB_FILTER = 1.0;
const CACHED_VS_PROXIED = 1.1;
const VS_ORACLE = 0.8;

const QUICK = { rounds: 3, seconds: 2, pages: 100, requests: 60_000 };
const FULL = { rounds: 7, seconds: 5, pages: 300, requests: 200_000 };
type Plan = typeof QUICK;

export const bench: Bench = async ({ quick }) => {
  const plan = quick ? QUICK : FULL;
  const progress = new Progress("speederize");
  progress.say("the rewriter alone");
  const found = [await measureRewriter(plan)];
  progress.say("the advisor");
  found.push(measureAdvisor(plan));
  await SpeederizeSetup.with(async (setup) => {
    await checkEqualWork(setup);
    for (const name of Object.keys(PAGES) as PageName[]) {
      progress.say(`pages of ${name} through the proxies`);
      found.push(await measureProxies(setup, name, plan));
    }
  });
  progress.say("done");
  return { name: "speederize", ...worst(together(found)) };
};

/** A bar that was measured for both pages counts by its worse value. */
function worst({ rows, bars }: Found): Found {
  const names = [...new Set(bars.map(({ name }) => name))];
  const one = names.map((name) => {
    const same = bars.filter((bar) => bar.name === name);
    return same.reduce((worst, next) => next.value! > worst.value! ? next : worst);
  });
  return { rows, bars: one };
}

async function measureRewriter({ rounds, pages }: Plan): Promise<Found> {
  const script = new URL("rewriting.ts", import.meta.url).pathname;
  const command = pinned(PROXY_CORE, [Deno.execPath(), "run", "-A", "--no-check", script, `${rounds}`, `${pages}`]);
  const [program, ...args] = command;
  const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const rates = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
  return {
    rows: [row("speederize.rewriter", "MB/s of CPU time", rates)],
    bars: [bar("speederize.rewrite_mb_s", median(rates), REWRITE_MB_S, "higher")],
  };
}

function measureAdvisor({ rounds, requests }: Plan): Found {
  const ratios = Array.from({ length: rounds }, (_, round) => {
    return advise(zipfTrace(20_000, 0.9, round + 1), 500, 0.1, 6, requests).ratio;
  });
  return {
    rows: [row("speederize.advisor.saved", "of what an oracle saves", ratios)],
    bars: [bar("speederize.advisor_vs_oracle", Math.min(...ratios), VS_ORACLE, "higher")],
  };
}

/** Both move all that is to be moved; nginx, which knows no markup, some in scripts and comments too. */
async function checkEqualWork(setup: SpeederizeSetup): Promise<void> {
  for (const [name, bytes] of Object.entries(PAGES)) {
    const { moves } = page(1, bytes);
    for (const server of ["rewriting", "caching", "sub_filter"] as const) {
      const count =
        (await setup.text(server, server === "caching" ? `fresh/${name}` : name)).split("//cdn.example/").length - 1;
      const isEqual = server === "sub_filter" ? count >= moves : count === moves;
      if (!isEqual) throw new Error(`${server} moved ${count} URLs of ${moves}`);
    }
  }
}

async function measureProxies(setup: SpeederizeSetup, name: PageName, { rounds, seconds }: Plan): Promise<Found> {
  const path = (server: ServerName) => server === "caching" ? `fresh/${name}` : name;
  const samples = new Map<ServerName, number[]>(SERVERS.map((server) => [server, []]));
  for (const server of SERVERS) await setup.cpuUs(server, path(server), 1);
  for (let round = 0; round < rounds; round++) {
    for (const server of SERVERS) samples.get(server)!.push(await setup.cpuUs(server, path(server), seconds));
  }
  const ratio = (one: ServerName, other: ServerName) =>
    median(samples.get(one)!.map((value, round) => value / samples.get(other)![round]!));
  const bars = [bar("speederize.cached_cpu_vs_proxied", ratio("caching", "plain"), CACHED_VS_PROXIED, "lower")];
  // The bar is of pages of 1 MiB.
  if (name === "1MiB") {
    bars.push(bar("speederize.rewrite_cpu_vs_sub_filter", ratio("rewriting", "sub_filter"), VS_SUB_FILTER, "lower"));
  }
  return {
    rows: SERVERS.map((server) => row(`speederize.${name}.${server}.cpu`, "us/request", samples.get(server)!)),
    bars,
  };
}
