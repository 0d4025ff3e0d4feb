/**
 * Frames through a scheduler in namespaces. The generator, the switch and everything in the kernel run on one core, which is always full: so
 * its time, without what others had of it, says what a frame costs. The cost of a frame that is dropped on arrival, the generator's and the
 * switch's own, is taken off.
 */
import { type Bar, bar, median, type Row, row } from "../report.ts";
import { type BenchArray, ENGINE_CORE, RECEIVERS, VIP } from "./array.ts";
import { cpuNanoseconds, processTree, stop } from "../process.ts";

const NFT_LIMIT = 1.15;
const REFLECTOR_LIMIT = 0.9;
const PCAP_LIMIT = 1.0;
/** Frames a second that the pcap engine must pass without loss. */
const NO_LOSS_RATE = 100_000;
/** A process that has just started compiles still, s. */
const WARM_UP_S = 0.3;
/** Of the frames sent those that must arrive for a figure to be of forwarding. */
const FEWEST_ARRIVED = 0.99;

/** What stands at the scheduler's interface, and how it is put there and taken away. */
interface Kernel {
  readonly name: "drop" | "reflector" | "nft" | "xdp";
  readonly start: () => Promise<unknown>;
  readonly stop: () => Promise<unknown>;
}

export async function kernelForwarding(
  array: BenchArray,
  rounds: number,
  seconds: number,
): Promise<{ rows: Row[]; bars: Bar[] }> {
  const kernels: Kernel[] = [
    { name: "drop", start: () => array.attach("a", "drop"), stop: () => array.detach("a") },
    { name: "reflector", start: () => array.attach("a", "reflect"), stop: () => array.detach("a") },
    { name: "nft", start: () => nftDsr(array), stop: () => array.scheduler.must(["nft", "delete table netdev dsr"]) },
    {
      name: "xdp",
      start: () => array.startScheduler("engine: xdp, xdp_mode: native"),
      stop: () => array.stopScheduler(),
    },
  ];
  const costs = new Map(kernels.map(({ name }) => [name, [] as number[]]));
  // The first round warms up and is not counted.
  for (let round = -1; round < rounds; round++) {
    for (const { name, start, stop } of kernels) {
      await start();
      const { sent, busySeconds, arrived } = await array.load(round < 0 ? 0.5 : seconds);
      await stop();
      if (name !== "drop" && arrived < sent * FEWEST_ARRIVED) {
        throw new Error(`${name}: ${arrived} of ${sent} frames arrived`);
      }
      if (round >= 0) costs.get(name)!.push(busySeconds / sent * 1e9);
    }
  }
  const rows = kernels.map(({ name }) => row(`l4.frame.${name}`, "ns/frame", costs.get(name)!));
  const ratio = (one: Kernel["name"], other: Kernel["name"]) =>
    median(costs.get("drop")!.map((drop, round) => {
      const cost = (name: Kernel["name"]) => costs.get(name)![round]! - drop;
      return cost(one) / cost(other);
    }));
  return {
    rows,
    bars: [
      bar("l4.xdp.vs_nft", ratio("nft", "xdp"), NFT_LIMIT, "higher"),
      bar("l4.xdp.vs_reflector", ratio("reflector", "xdp"), REFLECTOR_LIMIT, "higher"),
    ],
  };
}

/** nftables as a direct-server-return scheduler: a hash of the client, no table. It stands before the kernel guard. */
async function nftDsr(array: BenchArray): Promise<void> {
  const macs = RECEIVERS.map((name, i) => `${i} : ${array.lab.host(name).mac}`).join(", ");
  const rule = `ip daddr ${VIP} tcp dport 80 ether saddr set ${array.scheduler.mac} ether daddr set ` +
    `jhash ip saddr . tcp sport mod ${RECEIVERS.length} map { ${macs} } fwd to "eth0"`;
  await array.scheduler.must([
    "nft",
    `table netdev dsr { chain in { type filter hook ingress device "eth0" priority -600; ${rule}; }; }`,
  ]);
}

/**
 * The engine and the C program under more frames than they can take. The bar is the CPU time of a frame by the kernel's accounting, since
 * other work on the machine moves the rates; these stand beside it.
 */
export async function pcapForwarding(
  array: BenchArray,
  rounds: number,
  seconds: number,
): Promise<{ rows: Row[]; bars: Bar[] }> {
  const cpu = { pcap: [] as number[], c: [] as number[] };
  const rates = { pcap: [] as number[], c: [] as number[] };
  const losses: number[] = [];
  const sample = async (name: "pcap" | "c", pid: number, counts: boolean) => {
    const tree = processTree(pid);
    await array.load(WARM_UP_S);
    const before = cpuNanoseconds(tree);
    const { seconds: took, arrived } = await array.load(seconds);
    if (!counts) return;
    cpu[name].push((cpuNanoseconds(tree) - before) / arrived);
    rates[name].push(arrived / took);
  };
  // The first round warms up and is not counted.
  for (let round = -1; round < rounds; round++) {
    await sample("pcap", await array.startScheduler("engine: pcap"), round >= 0);
    const before = array.forwarded(), { sent } = await array.load(seconds, NO_LOSS_RATE);
    if (round >= 0) losses.push(sent - (array.forwarded() - before));
    await array.stopScheduler();
    const peer = await startPeer(array);
    await sample("c", peer.pid, round >= 0);
    await stop(peer);
  }
  return {
    rows: [
      row("l4.cpu.pcap", "ns/frame", cpu.pcap),
      row("l4.cpu.c", "ns/frame", cpu.c),
      row("l4.rate.pcap", "frames/s", rates.pcap),
      row("l4.rate.c", "frames/s", rates.c),
      row(`l4.pcap.lost_at_${NO_LOSS_RATE}`, "frames", losses),
    ],
    bars: [
      bar("l4.pcap.vs_c", median(cpu.c.map((c, round) => c / cpu.pcap[round]!)), PCAP_LIMIT, "higher"),
      bar("l4.pcap.lost", Math.max(...losses), 0, "lower"),
    ],
  };
}

async function startPeer(array: BenchArray): Promise<Deno.ChildProcess> {
  const { scheduler, lab, programs } = array;
  const begin = scheduler.log().length;
  const macs = RECEIVERS.map((name) => lab.host(name).mac);
  // At our engine's priority: who is woken sooner finds fewer frames at a time, and each costs more.
  const onCore = ["nice", "-n", "-10", "taskset", "-c", String(ENGINE_CORE)];
  const command = [...onCore, programs.pcapPeer, "eth0", scheduler.mac, VIP, ...macs];
  const child = scheduler.start(command);
  await array.untilSaid(begin, "ready");
  return child;
}
