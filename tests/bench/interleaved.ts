/** Proxies measured in turn, round by round: neighbours in time share what else the machine was doing. */
import type { Proxy, ProxyName } from "./setup.ts";

export class Interleaved<Sample> {
  private constructor(readonly samples: ReadonlyMap<ProxyName, readonly Sample[]>) {}

  /** @param take one sample of one proxy */
  static async measure<Sample>(
    proxies: readonly Proxy[],
    rounds: number,
    take: (proxy: Proxy) => Promise<Sample>,
  ): Promise<Interleaved<Sample>> {
    const samples = new Map<ProxyName, Sample[]>(proxies.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const proxy of proxies) samples.get(proxy.name)!.push(await take(proxy));
    }
    return new Interleaved(samples);
  }

  get names(): ProxyName[] {
    return [...this.samples.keys()];
  }

  /** Those of ours are compared with these. */
  get peers(): ProxyName[] {
    return this.names.filter((name) => name !== "ours");
  }

  values(proxy: ProxyName, of: (sample: Sample) => number): number[] {
    return this.samples.get(proxy)!.map(of);
  }

  /** Ours to the peer's, one a round. */
  ratios(peer: ProxyName, of: (sample: Sample) => number): number[] {
    const peers = this.values(peer, of);
    return this.values("ours", of).map((ours, round) => ours / peers[round]!);
  }
}
