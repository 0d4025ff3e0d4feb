/** The runtime overrides on a node's disk. */
import * as v from "valibot";
import { UsageError } from "../errors.ts";
import { readIfThere, type Step, writeDurably } from "./durable.ts";
import { isNewerOverrides, NO_OVERRIDES, type Overrides, overridesSchema, overridesState } from "./overrides.ts";

export class OverrideStore {
  #path: string;
  #current: Overrides;

  /** Throws {@linkcode UsageError} where they cannot be read. */
  constructor(dir: string, readonly step: Step = () => {}) {
    Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#path = `${dir}/overrides.json`;
    const text = readIfThere(this.#path);
    const result = v.safeParse(
      v.pipe(v.string(), v.parseJson(), overridesSchema),
      text ?? JSON.stringify(NO_OVERRIDES),
    );
    if (!result.success) {
      throw new UsageError(`${this.#path} is damaged: move it away, and the others' overrides are taken`);
    }
    this.#current = result.output;
  }

  get current(): Overrides {
    return this.#current;
  }

  /** False, and nothing done, where they are not newer than the present ones. */
  replace(overrides: Overrides): boolean {
    if (!isNewerOverrides(overridesState(overrides), overridesState(this.#current))) return false;
    writeDurably(this.#path, JSON.stringify(overrides), this.step);
    this.#current = overrides;
    return true;
  }
}
