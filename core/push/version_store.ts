/**
 * The versions of the configuration on a node's disk: `versions/NUMBER.json` holds each, whole, and `current` names the one in force.
 * Both are replaced by rename, so whatever ends the process leaves one whole version in force: the one before a commit, or the one after.
 */
import * as v from "valibot";
import { UsageError } from "../errors.ts";
import { readIfThere, removeDurably, type Step, writeDurably } from "./durable.ts";
import { headOf, isNewer, parseVersion, type Version, type VersionHead, versionHeadSchema } from "./version.ts";

/** So many are kept; the oldest go first. */
const KEPT_VERSIONS = 100;

export class VersionStore {
  #folder: string;
  #step: Step;
  #current: Version | undefined;

  /** Makes the folder where it is missing. Throws {@linkcode UsageError} where the version in force cannot be read. */
  constructor(readonly dir: string, step: Step = () => {}) {
    this.#folder = `${dir}/versions`;
    this.#step = step;
    Deno.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#current = this.#readCurrent();
  }

  /** Undefined before the first commit. */
  get current(): Version | undefined {
    return this.#current;
  }

  /** The one that is staged and not committed; undefined where there is none. */
  get staged(): Version | undefined {
    const last = this.#numbers().at(-1);
    if (last === undefined || last <= (this.#current?.number ?? 0)) return undefined;
    try {
      return this.read(last);
    } catch {
      return undefined;
    }
  }

  /** Puts a version on the disk beside the one in force; it replaces one that was staged before. */
  stage(version: Version): void {
    if (version.number <= (this.#current?.number ?? 0)) {
      throw new RangeError(
        `Version ${version.number} is not newer than ${this.#current?.number ?? 0}, which is in force`,
      );
    }
    this.#removeStaged();
    writeDurably(this.#path(version.number), JSON.stringify(version), this.#step);
  }

  /** Puts the staged version in force. Throws RangeError where that is not this one. */
  commit({ number, hash }: Pick<VersionHead, "number" | "hash">): Version {
    // A repeated commit, whose first answer was lost.
    if (this.#current?.number === number && this.#current.hash === hash) return this.#current;
    const staged = this.staged;
    if (staged?.number !== number || staged.hash !== hash) throw new RangeError(`Version ${number} is not staged`);
    writeDurably(`${this.dir}/current`, JSON.stringify(headOf(staged)), this.#step);
    this.#current = staged;
    this.#forgetOldest();
    return staged;
  }

  /** Puts in force what the other nodes run, at once. Of two versions of one number it writes over the lesser. */
  adopt(version: Version): void {
    if (this.#current && !isNewer(version, this.#current)) return;
    if (this.#current?.number === version.number) {
      // The loser of a split: until `current` names the winner too, reading goes by what the file holds.
      writeDurably(this.#path(version.number), JSON.stringify(version), this.#step);
      writeDurably(`${this.dir}/current`, JSON.stringify(headOf(version)), this.#step);
      this.#current = version;
      return;
    }
    this.stage(version);
    this.commit(version);
  }

  /** Forgets what is staged, where it is this one. */
  abort(number: number): void {
    if (this.staged?.number === number) removeDurably(this.#path(number), this.#step);
  }

  /** Undefined where it is not kept. */
  read(number: number): Version | undefined {
    const text = readIfThere(this.#path(number));
    return text === undefined ? undefined : parseVersion(text);
  }

  /** Those that were in force, oldest first. */
  history(): VersionHead[] {
    const last = this.#current?.number ?? 0;
    return this.#numbers().filter((number) => number <= last).map((number) => headOf(this.read(number)!));
  }

  #readCurrent(): Version | undefined {
    const text = readIfThere(`${this.dir}/current`);
    if (text === undefined) return undefined;
    try {
      const { number } = v.parse(v.pipe(v.string(), v.parseJson(), versionHeadSchema), text);
      const version = this.read(number);
      if (version) return version;
    } catch {
      // Said below.
    }
    throw new UsageError(
      `${this.dir} is damaged: the version in force cannot be read. Move it away, and this node takes the others' version`,
    );
  }

  #removeStaged(): void {
    const current = this.#current?.number ?? 0;
    for (const number of this.#numbers()) if (number > current) removeDurably(this.#path(number), this.#step);
  }

  #forgetOldest(): void {
    for (const number of this.#numbers().slice(0, -KEPT_VERSIONS)) removeDurably(this.#path(number), this.#step);
  }

  /** Of the versions on the disk, rising. */
  #numbers(): number[] {
    const names = [...Deno.readDirSync(this.#folder)].flatMap(({ name }) => /^([0-9]+)\.json$/.exec(name)?.[1] ?? []);
    return names.map(Number).sort((one, other) => one - other);
  }

  #path(number: number): string {
    return `${this.#folder}/${number}.json`;
  }
}
