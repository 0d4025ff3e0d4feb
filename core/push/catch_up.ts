/** Asks the other nodes again and again what they run, and takes what is newer: a node that was away is soon as the others. */
import { printable } from "../config/printable.ts";
import { delay } from "../delay.ts";
import { controlAddress, fetchVersion } from "./array.ts";
import type { AuditLog } from "./audit.ts";
import type { Configuration } from "./configuration.ts";
import type { ControlAddress, ControlClient } from "./control_client.ts";
import { isNewerOverrides, overridesSchema, overridesState } from "./overrides.ts";
import { nodeStateSchema, whyNotApplied } from "./state.ts";
import { hashOf, isNewer } from "./version.ts";

/** Pause between two rounds, ms: with the wait for an answer less than half of the 2 s within which a node is as the others. */
const PAUSE_MS = 400;
/** A node has so long to answer, ms: a connection that was lost is begun anew after it. */
const ANSWER_MS = 700;
/** Asked in a round, in turn: in a large array a change is soon with many of them. */
const PEERS_A_ROUND = 8;

export class CatchUp {
  #turn = 0;
  /** What was said last of each node: once is enough. */
  #said = new Map<string, string>();

  constructor(
    readonly node: string,
    readonly configuration: Configuration,
    readonly client: ControlClient,
    readonly audit: AuditLog,
    readonly log: (line: string) => void,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.round();
      await delay(PAUSE_MS, signal);
    }
  }

  /** Asks some of the others once. */
  async round(): Promise<void> {
    const config = this.configuration.config;
    const others = config.nodes.filter(({ name }) => name !== this.node).map((node) => controlAddress(config, node));
    const count = Math.min(PEERS_A_ROUND, others.length);
    const asked = Array.from({ length: count }, (_, i) => others[(this.#turn + i) % others.length]!);
    this.#turn += count;
    await Promise.all(asked.map((peer) => this.#ask(peer)));
  }

  async #ask(peer: ControlAddress): Promise<void> {
    let state;
    try {
      state = await this.client.get(peer, "/state", nodeStateSchema, ANSWER_MS);
    } catch {
      // It is away, or its control channel is not up: others tell of the status of nodes.
      return;
    }
    try {
      if (isNewer(state.version, this.configuration.current)) await this.#takeVersion(peer, state.version.number);
      if (isNewerOverrides(state.overrides, overridesState(this.configuration.overrides))) {
        await this.#takeOverrides(peer);
      }
      this.#said.delete(peer.name);
    } catch (error) {
      this.#sayOnce(peer.name, `cannot take what ${peer.name} runs: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #takeVersion(peer: ControlAddress, number: number): Promise<void> {
    const version = await fetchVersion(this.client, peer, number);
    if (hashOf(version.text) !== version.hash) throw new Error(`version ${number} does not have the hash that it says`);
    const before = this.configuration.current;
    const roles = await this.configuration.adopt(version);
    if (!roles) return;
    const isConflict = before.number === version.number;
    this.#took(
      "catch up",
      `version ${number} by ${version.author} from ${peer.name}, in place of ${before.number}` +
        (isConflict ? ` by ${before.author}: two versions of one number, the later counts` : ""),
      whyNotApplied(roles),
    );
  }

  async #takeOverrides(peer: ControlAddress): Promise<void> {
    const overrides = await this.client.get(peer, "/overrides", overridesSchema);
    const roles = await this.configuration.replaceOverrides(overrides);
    if (roles) {
      this.#took("catch up", `overrides of revision ${overrides.revision} from ${peer.name}`, whyNotApplied(roles));
    }
  }

  #took(action: string, detail: string, failure: string | undefined): void {
    const outcome = failure === undefined ? "done" : "failed";
    this.audit.write({
      action,
      outcome,
      who: null,
      from: null,
      detail: failure === undefined ? detail : `${detail}: ${failure}`,
    });
    this.log(`takes ${printable(detail)}${failure === undefined ? "" : `, but ${printable(failure)}`}`);
  }

  #sayOnce(peer: string, line: string): void {
    if (this.#said.get(peer) === line) return;
    this.#said.set(peer, line);
    this.audit.write({ action: "catch up", outcome: "failed", who: null, from: null, detail: line });
    this.log(printable(line));
  }
}
