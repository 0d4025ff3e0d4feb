/** The buckets in which this node holds live connections to the VIPs, by what the kernel says of its sockets. */
import { eachTcpPeer } from "../../ffi/sock_diag.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { ipToBytes } from "../scheduler/addresses.ts";
import { ClientBuckets } from "../scheduler/client_buckets.ts";
import { LiveBuckets } from "../scheduler/live_buckets.ts";
import { vipsOf } from "../scheduler/services.ts";

/** Who asks again sooner gets the same, ms: many who ask cost no more than one. A scheduler is dead for longer when it is asked for. */
const FRESH_MS = 50;

export class LiveConnections {
  #node: NodeConfig;
  #vips: readonly Uint8Array[];
  #clients: ClientBuckets;
  #last: LiveBuckets | undefined;
  #lastAt = -Infinity;

  /** @param hashKey as the scheduler's */
  constructor(config: Config, node: NodeConfig, hashKey: Uint8Array | undefined) {
    this.#node = node;
    this.#vips = vipsOf(config).map((vip) => vip.includes(":") ? ipToBytes(vip) : ipToBytes(vip).subarray(12));
    this.#clients = new ClientBuckets(config.scheduler.table_size, hashKey);
  }

  /** Throws Error where the kernel does not say. @param now ms */
  buckets(now: number): LiveBuckets {
    if (this.#last && now - this.#lastAt < FRESH_MS) return this.#last;
    const live = new LiveBuckets(this.#node.id, this.#clients.size);
    for (const vip of this.#vips) {
      eachTcpPeer(vip, (bytes, at, count, port) => live.add(this.#clients.of(bytes, at, count, port)));
    }
    this.#lastAt = now;
    return this.#last = live;
  }
}
