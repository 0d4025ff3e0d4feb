/**
 * An etcd in place of the members' votes. Below `PREFIX/ARRAY/` the key `scheduler` holds the epoch by which a node has the VIP, under a lease
 * that this node renews; `epoch` the highest there ever was. Both are written in one transaction, if nobody wrote them since they were read.
 * The answers are the election's own: a grant or a refusal.
 */
import type { Config } from "../config/schema.ts";
import { delay } from "../delay.ts";
import { NO_EPOCH, ownerOf } from "./epoch.ts";
import { EtcdClient } from "./etcd_client.ts";
import type { Event } from "./machine.ts";
import type { Request } from "./messages.ts";
import { ARBITER } from "./plan.ts";

/** A lease is renewed so many times while it lasts. */
const RENEWALS = 3;

export class EtcdArbiter {
  #client: EtcdClient;
  #keys: readonly [scheduler: string, epoch: string];
  #leaseMs: number;
  #now: () => number;
  #tell: (event: Event) => void;
  #log: (line: string) => void;
  #lease: string | undefined;
  #isAsking = false;
  #trouble = "";

  /** @param now ms, of a clock that counts on while the machine sleeps; @param tell the election */
  constructor(config: Config, now: () => number, tell: (event: Event) => void, log: (line: string) => void) {
    const { endpoints, prefix, lease } = config.failover.etcd!;
    this.#client = new EtcdClient(endpoints);
    this.#keys = [`${prefix}/${config.array.name}/scheduler`, `${prefix}/${config.array.name}/epoch`];
    this.#leaseMs = lease;
    this.#now = now;
    this.#tell = tell;
    this.#log = log;
  }

  /** Answers by a grant or a refusal to the election, unless no etcd answers; one question at a time. */
  ask(request: Request): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#decide(request).then(() => this.#trouble = "", (error) => this.#complain(error)).finally(() => {
      this.#isAsking = false;
    });
  }

  /** Renews the lease, where this node has one, until the signal aborts; then lets it go, so that others need not wait. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(this.#leaseMs / RENEWALS, signal);
      if (this.#lease === undefined || signal.aborted) continue;
      await this.#renew(this.#lease).catch((error) => this.#complain(error));
    }
    if (this.#lease !== undefined) await this.#client.revoke(this.#lease).catch(() => {});
  }

  async #decide({ epoch, yielding }: Request): Promise<void> {
    const begun = this.#now();
    this.#lease ??= await this.#client.lease(Math.ceil(this.#leaseMs / 1000));
    const read = await this.#client.read(this.#keys);
    const [holder, highest] = read.map((found) => Number(found?.value ?? NO_EPOCH)) as [number, number];
    const isFree = holder === NO_EPOCH || holder === yielding || ownerOf(holder) === ownerOf(epoch);
    const lease = this.#lease;
    const puts = [{ key: this.#keys[0], value: String(epoch), lease }, { key: this.#keys[1], value: String(epoch) }];
    if (!isFree || highest >= epoch || !await this.#client.write(puts, read)) {
      const membership = { epoch: NO_EPOCH, sequence: 0, members: [] };
      return this.#tell({
        kind: "message",
        from: ARBITER,
        message: { kind: "refusal", epoch, promised: highest, membership },
      });
    }
    this.#extend(begun);
    this.#tell({ kind: "message", from: ARBITER, message: { kind: "grant", epoch } });
  }

  async #renew(lease: string): Promise<void> {
    const begun = this.#now();
    if (await this.#client.keepAlive(lease)) this.#extend(begun);
    // Over: what it held is gone, and the next question needs another.
    else if (this.#lease === lease) this.#lease = undefined;
  }

  /** The lease counts from when it was asked for: etcd's own count began later. */
  #extend(begun: number): void {
    this.#tell({ kind: "lease", ms: this.#leaseMs - (this.#now() - begun) });
  }

  #complain(error: unknown): void {
    // A lease may have ended with the etcd that is gone.
    const trouble = error instanceof Error ? error.message : String(error);
    if (trouble !== this.#trouble) this.#log(`no word from etcd: ${trouble}`);
    this.#trouble = trouble;
  }
}
