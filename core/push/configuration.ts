/** The configuration of this node: which version and which overrides are in force, and how they come to be. */
import { checkInPlaceOf } from "../config/check.ts";
import { findingsText } from "../config/findings.ts";
import { checkConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { writeDurably } from "./durable.ts";
import type { OverrideStore } from "./override_store.ts";
import { inForce, nextEnd, type Overrides, overridesState } from "./overrides.ts";
import { Refusal } from "./refusal.ts";
import type { NodeState, RoleReport } from "./state.ts";
import { FILE_VERSION, hashOf, headOf, isNewer, type Version, type VersionHead } from "./version.ts";
import type { VersionStore } from "./version_store.ts";

/** What is staged keeps other pushes off for so long, ms: longer than a push takes. */
const STAGED_MS = 60_000;
/** Longest time of a timer, ms. */
const MAX_TIMER_MS = 2_000_000_000;

export interface ConfigurationParts {
  readonly array: string;
  readonly node: string;
  /** Paths in every version are relative to its folder. */
  readonly configFile: string;
  /** Its text when the node began: what is in force before the first push. */
  readonly fileText: string;
  /** The run folder: what the roles read is there. */
  readonly dir: string;
  readonly versions: VersionStore;
  readonly overrides: OverrideStore;
  /** Makes the roles take up what is in the run folder, and resolves to what they say of it. */
  readonly reload: (version: VersionHead) => Promise<RoleReport[]>;
  /** What the roles said last. */
  readonly reports: () => RoleReport[];
}

export class Configuration {
  #parts: ConfigurationParts;
  #file: Version;
  #stagedAt = -Infinity;
  /** Changes happen one after another. */
  #last: Promise<unknown> = Promise.resolve();
  #end: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: ConfigurationParts) {
    this.#parts = parts;
    this.#file = { number: FILE_VERSION, hash: hashOf(parts.fileText), author: "", time: 0, text: parts.fileText };
    this.#writeForRoles();
    this.#awaitEnd();
  }

  /** The version in force. */
  get current(): Version {
    return this.#parts.versions.current ?? this.#file;
  }

  /** Whom to ask for newer versions. */
  get config(): Config {
    return checkConfig(this.#parts.configFile, this.current.text).config!;
  }

  get overrides(): Overrides {
    return this.#parts.overrides.current;
  }

  state(): NodeState {
    const { array, node, versions, reports } = this.#parts;
    const staged = versions.staged;
    return {
      node,
      array,
      version: headOf(this.current),
      staged: staged ? headOf(staged) : null,
      overrides: overridesState(this.overrides),
      roles: reports(),
    };
  }

  history(): VersionHead[] {
    return [headOf(this.#file), ...this.#parts.versions.history()];
  }

  /** Throws {@linkcode Refusal} where it is not kept. */
  read(number: number): Version {
    const version = number === FILE_VERSION ? this.#file : this.#parts.versions.read(number);
    if (!version) throw new Refusal(404, `no version ${number}`);
    return version;
  }

  /** Checks a version and puts it on the disk. @param base number of the version that it is to follow. Throws {@linkcode Refusal}. */
  stage(version: Version, base: number): void {
    const current = this.current;
    if (current.number > base || current.number >= version.number) {
      throw new Refusal(
        409,
        `version ${current.number} by ${current.author} is in force here: another push came between`,
      );
    }
    const staged = this.#parts.versions.staged;
    const isHeld = performance.now() - this.#stagedAt < STAGED_MS;
    if (staged && isHeld && (staged.hash !== version.hash || staged.time !== version.time)) {
      throw new Refusal(409, `version ${staged.number} by ${staged.author} is being pushed`);
    }
    this.#check(version);
    this.#parts.versions.stage(version);
    this.#stagedAt = performance.now();
  }

  abort(number: number): void {
    this.#parts.versions.abort(number);
    this.#stagedAt = -Infinity;
  }

  /** Puts the staged version in force and resolves to what the roles say. Throws {@linkcode Refusal} where it is not staged. */
  commit(head: Pick<VersionHead, "number" | "hash">): Promise<RoleReport[]> {
    return this.#inTurn(() => {
      try {
        this.#parts.versions.commit(head);
      } catch (error) {
        if (error instanceof RangeError) throw new Refusal(409, error.message);
        throw error;
      }
      this.#stagedAt = -Infinity;
      return this.#apply();
    });
  }

  /** Takes what another node runs, where that is newer. Throws {@linkcode Refusal} where it is not for this node. */
  adopt(version: Version): Promise<RoleReport[] | undefined> {
    return this.#inTurn(async () => {
      if (!isNewer(version, this.current)) return undefined;
      this.#check(version);
      this.#parts.versions.adopt(version);
      return await this.#apply();
    });
  }

  /** Resolves to undefined, and does nothing, where they are not newer than those in force. */
  replaceOverrides(overrides: Overrides): Promise<RoleReport[] | undefined> {
    return this.#inTurn(async () => {
      if (!this.#parts.overrides.replace(overrides)) return undefined;
      this.#awaitEnd();
      return await this.#apply();
    });
  }

  close(): void {
    clearTimeout(this.#end);
  }

  #check({ text }: Version): void {
    const { configFile, array, node } = this.#parts;
    const checked = checkInPlaceOf(configFile, text, Date.now());
    if (!checked.config) throw new Refusal(422, findingsText(checked));
    if (checked.config.array.name !== array) {
      throw new Refusal(422, `array.name: found ${checked.config.array.name}, expected ${array}, which runs here`);
    }
    if (!checked.config.nodes.some(({ name }) => name === node)) {
      throw new Refusal(422, `nodes: found none named ${node}, which runs here: stop it, then leave it out`);
    }
  }

  #apply(): Promise<RoleReport[]> {
    this.#writeForRoles();
    return this.#parts.reload(headOf(this.current));
  }

  /** The config last: who finds it new finds what belongs to it. */
  #writeForRoles(): void {
    const { dir } = this.#parts;
    const { number, hash, text } = this.current;
    writeDurably(`${dir}/overrides.json`, JSON.stringify(inForce(this.overrides, Date.now())));
    writeDurably(`${dir}/version.json`, JSON.stringify({ version: number, hash }));
    writeDurably(`${dir}/dlba.yaml`, text);
  }

  #awaitEnd(): void {
    clearTimeout(this.#end);
    const now = Date.now(), end = nextEnd(this.overrides, now);
    if (end === undefined) return;
    const after = () => {
      if (Date.now() >= end) void this.#inTurn(() => this.#apply()).catch(() => {});
      this.#awaitEnd();
    };
    this.#end = setTimeout(after, Math.min(end - now, MAX_TIMER_MS));
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }
}
