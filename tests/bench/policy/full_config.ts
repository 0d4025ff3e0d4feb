/** What a request costs with cookie persistence, an access log and 1,000 routes, beside one route and no log: CPU time, in one run. */
import { Interleaved } from "../interleaved.ts";
import { cpuNanoseconds } from "../process.ts";
import { bar, type Found, median, row } from "../report.ts";
import { FEW, FULL_CONFIG, type Proxy, ProxySetup, type Size } from "../setup.ts";
import { runWrk, warmUp } from "../wrk.ts";

const SIZE: Size = "100B";
const LIMIT = 1.1;

export async function measureFullConfig(rounds: number, seconds: number): Promise<Found> {
  return await ProxySetup.with({ proxies: ["ours", FULL_CONFIG] }, async (proxies) => {
    await warmUp(proxies, SIZE);
    await warmUp(proxies, SIZE);
    const found = await Interleaved.measure(proxies, rounds, (proxy) => cpuUs(proxy, seconds));
    const ratios = found.ratios(FULL_CONFIG, (us) => us).map((ratio) => 1 / ratio);
    return {
      rows: [
        row("policy.one_route.cpu", "us/request", found.values("ours", (us) => us)),
        row("policy.full_config.cpu", "us/request", found.values(FULL_CONFIG, (us) => us)),
      ],
      bars: [bar("policy.full_config_cpu_ratio", median(ratios), LIMIT, "lower")],
    };
  });
}

async function cpuUs(proxy: Proxy, seconds: number): Promise<number> {
  const { tree } = proxy;
  const before = cpuNanoseconds(tree);
  const { requests } = await runWrk({ proxy, size: SIZE, connections: FEW, seconds });
  return (cpuNanoseconds(tree) - before) / requests / 1000;
}
