/**
 * Who has the VIPs by what the wire says (seed, "Scheduler Failover": "a DLBA server determines the active scheduler by checking its ARP table"). With
 * the VIP on `lo` the kernel keeps no neighbour entry, so ARP and neighbour discovery are heard, or solicited, on AF_PACKET.
 */
import type { Config, NodeConfig } from "../config/schema.ts";
import { Capture, RECORD_BYTES } from "../../ffi/pcap.ts";
import { bytesToMac, ipToBytes, macToBytes } from "./addresses.ts";
import { arpProbe, claimsByArp } from "./arp.ts";
import { FrameReader } from "./frame.ts";
import { claimsByNd, ndProbe } from "./nd.ts";
import { ServiceTable } from "./service_table.ts";
import { vipsOf } from "./services.ts";
import { Verdict } from "./verdicts.ts";
import { captured, NEIGHBOUR_FILTER } from "./vip_claim.ts";

/** ARP is rare. */
const BUFFER_BYTES = 1 << 18;

/** A machine said that a VIP is its own. */
export interface Sighting {
  readonly mac: string;
  /** Its server number; undefined where it is of no node of the array. */
  readonly node: number | undefined;
}

export class VipWatch {
  #wire: Capture;
  #reader: FrameReader;
  #probes: readonly Uint8Array<ArrayBuffer>[];
  #own: string;
  #nodes: ReadonlyMap<string, number>;

  /** Throws UsageError where libpcap or the right to capture is missing. */
  constructor(config: Config, node: NodeConfig) {
    const vips = vipsOf(config), mac = macToBytes(node.mac);
    this.#own = node.mac;
    this.#nodes = new Map(config.nodes.map(({ mac, id }) => [mac, id]));
    this.#reader = new FrameReader(vips.map(ipToBytes), noService());
    this.#probes = vips.map((vip) =>
      vip.includes(":") ? ndProbe(ipToBytes(vip), mac) : arpProbe(ipToBytes(vip).subarray(12), mac)
    );
    this.#wire = new Capture(node.interface, { filter: NEIGHBOUR_FILTER, bufferBytes: BUFFER_BYTES });
  }

  /** Asks who has the VIPs; the answer is among what {@linkcode read} gives later. */
  solicit(): void {
    for (const probe of this.#probes) this.#wire.inject(probe, probe.length);
  }

  /** Who claimed a VIP since the last call, in this order, without this node itself. */
  read(): Sighting[] {
    const sightings: Sighting[] = [];
    const { batch } = this.#wire;
    for (let frames = this.#wire.read(); frames > 0; frames = this.#wire.read()) {
      for (let left = frames, at = 0; left > 0; left--, at += RECORD_BYTES + captured(batch, at)) {
        const mac = this.#claimant(batch, at + RECORD_BYTES, captured(batch, at));
        if (mac !== undefined && mac !== this.#own) sightings.push({ mac, node: this.#nodes.get(mac) });
      }
    }
    return sightings;
  }

  #claimant(batch: Uint8Array, start: number, length: number): string | undefined {
    const reader = this.#reader;
    if (reader.read(batch, length, start) !== Verdict.NEIGHBOUR) return undefined;
    const claims = reader.end === 0 ? claimsByArp : claimsByNd;
    return claims(batch, start + length, reader.network, reader) ? bytesToMac(batch, start + 6) : undefined;
  }

  close(): void {
    this.#wire.close();
  }
}

/** Where packets for the VIPs go is of no interest here. */
function noService(): ServiceTable {
  return new ServiceTable(new ArrayBuffer(ServiceTable.BYTES), 0);
}
