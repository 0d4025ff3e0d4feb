/** The control process's part in speederize: what the samplers saw becomes decisions, copies on the CDN are looked at. */
import type { SpeederizeConfig } from "../config/schema.ts";
import { delay } from "../delay.ts";
import { Advisor, merged } from "./advisor.ts";
import { networkLabel } from "./client_label.ts";
import { checkCopies, type Copy } from "./copy_check.ts";
import { type Decisions, firstDecisions } from "./decisions.ts";
import { LoadGate } from "./load_gate.ts";
import { PathPattern } from "./path_pattern.ts";
import { type CdnRule, RulePlacement } from "./placement.ts";
import type { SpeedState } from "./report.ts";
import { loadDecisions, type ProcessWindow, readWindows, writeDecisions, writeState } from "./run_files.ts";

/** It is looked so often whether processes have new windows, ms. */
const LOOK_MS = 500;
/** Most copies that are looked at in one round, the best first. */
const MOST_CHECKED = 200;
const CLIENT = "{client}";

export class SpeederizeControl {
  readonly #advisor: Advisor;
  readonly #gate: LoadGate | undefined;
  readonly #rules: readonly {
    readonly rule: CdnRule;
    /** As the config has them. */
    readonly hosts: readonly string[];
    readonly check: SpeederizeConfig["cdn"][number]["check"];
  }[];
  #decisions: Decisions;
  #seen = new Map<number, number>();
  #rate = 0;
  #checkAt = 0;
  #withdrawn: readonly string[];
  #down: readonly string[] = [];
  #cors: readonly string[];

  constructor(readonly config: SpeederizeConfig, readonly dir: string, readonly address: string) {
    const { advisor, local, cdn } = config;
    this.#advisor = new Advisor({ maxUrls: advisor.max_urls, share: advisor.sample_percent / 100 });
    this.#gate = local && new LoadGate(local.below, local.above);
    const label = networkLabel(address);
    this.#rules = cdn.map(({ paths, except, hosts, check }) => ({
      check,
      hosts,
      rule: {
        paths: paths.map((pattern) => new PathPattern(pattern)),
        except: except.map((pattern) => new PathPattern(pattern)),
        hosts: hosts.map((host) => host.replace(CLIENT, label)),
      },
    }));
    // The processes go on by what the last one of this node decided; its version must not come again with other content.
    const last = loadDecisions(dir);
    this.#decisions = { ...firstDecisions(config), version: (last?.version ?? 0) + 1 };
    this.#withdrawn = [];
    this.#cors = [];
    writeDecisions(dir, this.#decisions);
  }

  get decisions(): Decisions {
    return this.#decisions;
  }

  get state(): SpeedState {
    return {
      mode: this.config.advisor.mode,
      decisions: this.#decisions,
      requests_per_second: this.#rate,
      advice: this.#advisor.advice,
      saved_bytes: this.#advisor.saved,
      window_seconds: this.config.advisor.interval / 1000,
    };
  }

  async run(stop: AbortSignal, log: (line: string) => void): Promise<void> {
    const goesOn = (error: unknown) =>
      log(`speederize goes on as before: ${error instanceof Error ? error.message : error}`);
    // A slow CDN holds up nothing else.
    let checking: Promise<void> | undefined;
    while (!stop.aborted) {
      try {
        this.takeWindows(readWindows(this.dir));
        checking ??= this.check(performance.now(), stop).catch(goesOn).finally(() => checking = undefined);
        this.decide();
        writeState(this.dir, this.state);
      } catch (error) {
        goesOn(error);
      }
      await delay(LOOK_MS, stop);
    }
    await checking;
  }

  /** Takes windows that were not taken yet: all processes end theirs at about the same time. */
  takeWindows(windows: ReadonlyMap<number, ProcessWindow>): void {
    const fresh = [...windows].filter(([pid, { window }]) => this.#seen.get(pid) !== window);
    if (fresh.length === 0) return;
    for (const [pid, { window }] of fresh) this.#seen.set(pid, window);
    for (const pid of this.#seen.keys()) if (!windows.has(pid)) this.#seen.delete(pid);
    const lasting = [...windows.values()].filter(({ seconds }) => seconds > 0.1);
    this.#rate = lasting.reduce((sum, { responses, seconds }) => sum + responses / seconds, 0);
    this.#gate?.take(this.#rate);
    const seen = fresh.map(([, window]) => window).filter(({ seconds }) => seconds > 0.1);
    if (seen.length === 0) return;
    const seconds = Math.max(...seen.map((window) => window.seconds));
    const paths = merged(seen.map((window) => window.paths)).filter(({ path }) => this.#copiesOf(path).length > 0);
    this.#advisor.step(paths, seconds, new Set(this.#withdrawn));
  }

  /** Looks at copies on the CDN where it is time. */
  async check(now: number, stop?: AbortSignal): Promise<void> {
    const intervals = this.#rules.flatMap(({ check }) => check ? [check.interval] : []);
    const paths = new Set([...this.#withdrawn, ...this.#advisor.advice.map(({ path }) => path)]);
    if (intervals.length === 0 || now < this.#checkAt || paths.size === 0) return;
    this.#checkAt = now + Math.min(...intervals);
    const copies = [...paths].slice(0, MOST_CHECKED).flatMap((path) => this.#copiesOf(path));
    const { failed, cors, down } = await checkCopies(copies.filter(({ timeoutMs }) => timeoutMs > 0), fetch, stop);
    if (stop?.aborted) return;
    this.#withdrawn = failed;
    this.#down = down;
    this.#cors = cors.filter((path) => !failed.includes(path));
  }

  /** Where the path would be served from; without a check its time is 0. */
  #copiesOf(path: string): Copy[] {
    for (const { rule, hosts, check } of this.#rules) {
      const placement = new RulePlacement([rule], { allows: null, moves: null, allowsCors: () => true }, () => {});
      const name = placement.place(path, "", 0);
      if (name === null) continue;
      const url = `${check?.scheme ?? "https"}://${name}${path}`;
      return [{ path, url, host: hosts[rule.hosts.indexOf(name)]!, timeoutMs: check?.timeout ?? 0 }];
    }
    return [];
  }

  /** Writes decisions that changed. */
  decide(): void {
    const { mode } = this.config.advisor;
    const next: Omit<Decisions, "version"> = {
      toCdn: this.#gate?.toCdn ?? true,
      chosen: mode === "auto" ? [...this.#advisor.chosen].sort() : null,
      withdrawn: this.#withdrawn,
      down: this.#down,
      cors: this.#cors,
    };
    const { version, ...present } = this.#decisions;
    if (JSON.stringify(next) === JSON.stringify(present)) return;
    this.#decisions = { version: version + 1, ...next };
    writeDecisions(this.dir, this.#decisions);
  }
}
