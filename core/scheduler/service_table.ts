/** Which ports of which VIP are served, by TCP and by UDP: a bit each, so that a frame costs one look. */
import { MAX_VIPS } from "./settings.ts";

const PORT_BYTES = 65_536 / 8;

export class ServiceTable {
  static readonly BYTES = MAX_VIPS * 2 * PORT_BYTES;
  #bits: Uint8Array;

  constructor(buffer: ArrayBuffer, offset: number) {
    this.#bits = new Uint8Array(buffer, offset, ServiceTable.BYTES);
  }

  /** @param vip index in the settings */
  isServed(vip: number, udp: boolean, port: number): boolean {
    return ((this.#bits[(vip * 2 + (udp ? 1 : 0)) * PORT_BYTES + (port >> 3)]! >> (port & 7)) & 1) === 1;
  }

  /** Serves these ports of the VIP and no others. */
  set(vip: number, udp: boolean, ports: readonly number[]): void {
    const row = new Uint8Array(PORT_BYTES);
    for (const port of ports) row[port >> 3]! |= 1 << (port & 7);
    this.#bits.set(row, (vip * 2 + (udp ? 1 : 0)) * PORT_BYTES);
  }
}
