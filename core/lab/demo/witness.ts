/**
 * The independent witness: the switch's own kernel counts the frames of the VIP that enter it at each port.
 * Nothing of dlba takes part in this count.
 */
import type { Lab } from "../lab.ts";

export interface PortCount {
  /** Frames to the VIP that entered the switch here. */
  readonly toVip: number;
  /** Frames from the VIP that entered the switch here: answers. */
  readonly fromVip: number;
}

export class Witness {
  private constructor(readonly lab: Lab) {}

  static async place(lab: Lab, vip: string): Promise<Witness> {
    const chains = [...lab.hosts.keys()].map((port) => `
      counter ${port}_to { }
      counter ${port}_from { }
      chain ${port} {
        type filter hook ingress device "${port}" priority 0;
        ip daddr ${vip} counter name ${port}_to
        ip saddr ${vip} counter name ${port}_from
      }`);
    await lab.inSwitch(`nft 'table netdev witness {${chains.join("\n")}\n}'`);
    return new Witness(lab);
  }

  /** Frames so far, by host. */
  async count(): Promise<Map<string, PortCount>> {
    const listing = JSON.parse(await this.lab.inSwitch("nft -j list counters table netdev witness")) as {
      nftables: { counter?: { name: string; packets: number } }[];
    };
    const packets = new Map(
      listing.nftables.flatMap(({ counter }) => counter ? [[counter.name, counter.packets]] : []),
    );
    return new Map(
      [...this.lab.hosts.keys()].map((port) => [port, {
        toVip: packets.get(`${port}_to`) ?? 0,
        fromVip: packets.get(`${port}_from`) ?? 0,
      }]),
    );
  }

  /** Frames that entered while `work` ran, by host. */
  async during(work: () => Promise<void>): Promise<Map<string, PortCount>> {
    const before = await this.count();
    await work();
    const after = await this.count();
    return new Map(
      [...after].map(([port, { toVip, fromVip }]) => [port, {
        toVip: toVip - before.get(port)!.toVip,
        fromVip: fromVip - before.get(port)!.fromVip,
      }]),
    );
  }
}
