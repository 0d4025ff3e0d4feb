/**
 * The independent witness: the switch's own kernel counts the frames of the VIP that enter it at each port.
 * Nothing of dlba takes part in this count.
 */
import { delay } from "../../delay.ts";
import type { Lab } from "../lab.ts";

/** Without a frame for so long none is on its way: longer than an engine on a busy machine waits for its turn, ms. */
const REST_MS = 100;
const MAX_RESTS = 20;

export interface PortCount {
  /** Clients' frames to the VIP that entered the switch here. */
  readonly toVip: number;
  /** Frames from the VIP that entered the switch here: answers. */
  readonly fromVip: number;
}

export class Witness {
  private constructor(readonly lab: Lab) {}

  /** @param clients their addresses: a scheduler's own frames to the VIP try whether nodes answer */
  static async place(lab: Lab, vip: string, clients: readonly string[]): Promise<Witness> {
    const chains = [...lab.hosts.keys()].map((port) => `
      counter ${port}_to { }
      counter ${port}_from { }
      chain ${port} {
        type filter hook ingress device "${port}" priority 0;
        ip saddr { ${clients.join(", ")} } ip daddr ${vip} counter name ${port}_to
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

  /** The count once no frame comes any more: of one on its way through the scheduler only the client's port would know. */
  async #atRest(): Promise<Map<string, PortCount>> {
    let count = await this.count();
    for (let i = 0; i < MAX_RESTS; i++) {
      await delay(REST_MS);
      const next = await this.count();
      const isSame = [...next].every(([port, { toVip, fromVip }]) => {
        const before = count.get(port)!;
        return toVip === before.toVip && fromVip === before.fromVip;
      });
      if (isSame) return next;
      count = next;
    }
    return count;
  }

  /** Frames that entered while `work` ran, by host. */
  async during(work: () => Promise<void>): Promise<Map<string, PortCount>> {
    const before = await this.#atRest();
    await work();
    const after = await this.#atRest();
    return new Map(
      [...after].map(([port, { toVip, fromVip }]) => [port, {
        toVip: toVip - before.get(port)!.toVip,
        fromVip: fromVip - before.get(port)!.fromVip,
      }]),
    );
  }
}
