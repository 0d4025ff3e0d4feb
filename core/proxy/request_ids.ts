/** A name for each request, which no other request has: in its log line, in a field for the back end and in the response. */
import { randomBytes } from "node:crypto";
import type { HeadBlock } from "./head_block.ts";

/** Of this process: 64 bits that no other one has. */
const PREFIX_BYTES = 8;
const COUNTER_DIGITS = 8;
const COUNTERS = 16 ** COUNTER_DIGITS;

export class RequestIds {
  #prefix = randomBytes(PREFIX_BYTES).toString("hex");
  #counter = 0;

  /** @param field its name, in lower case */
  constructor(readonly field: string) {}

  /** Takes away what the client sent as one. */
  next(block: HeadBlock): string {
    block.removeAll(this.field);
    if (++this.#counter === COUNTERS) {
      this.#counter = 0;
      this.#prefix = randomBytes(PREFIX_BYTES).toString("hex");
    }
    return this.#prefix + this.#counter.toString(16).padStart(COUNTER_DIGITS, "0");
  }
}
