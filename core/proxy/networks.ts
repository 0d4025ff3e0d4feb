/** A list of networks. Pure. */
import type { Cidr } from "../config/values.ts";
import { isIpv4 } from "../scheduler/addresses.ts";
import { ipToU32 } from "../scheduler/addresses.ts";

export class Networks {
  #networks: readonly { readonly start: number; readonly shift: number }[];

  constructor(networks: readonly Cidr[]) {
    this.#networks = networks.map(({ address, prefix }) => {
      const shift = 32 - prefix;
      return { start: ipToU32(address) >>> shift, shift };
    });
  }

  /** Whether an address is in one of them; false for what is no IPv4 address. */
  has(address: string): boolean {
    if (!isIpv4(address)) return false;
    const number = ipToU32(address);
    return this.#networks.some(({ start, shift }) => number >>> shift === start);
  }
}
