/** Fields that a pool sets, adds and removes, in requests to its back ends and in responses to clients. RFC 9110 section 7.7. */
import type { HeaderRulesConfig } from "../config/schema.ts";
import type { HeadBlock } from "./head_block.ts";

export class HeaderRules {
  #removed: readonly string[];
  /** The lines of those that are set and added, each with its CR LF. */
  readonly lines: string;

  constructor({ set, add, remove }: HeaderRulesConfig) {
    this.#removed = [...remove, ...set.map(({ name }) => name)];
    this.lines = [...set, ...add].map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  }

  /** Takes out what is removed and what is set anew; {@linkcode lines} are to be written behind the fields. */
  removeFrom(block: HeadBlock): void {
    for (const name of this.#removed) block.removeAll(name);
  }
}
