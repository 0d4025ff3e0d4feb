/** Adds a field to a head. */
import { OTHER } from "../proxy/field_names.ts";
import type { HeadBlock } from "../proxy/head_block.ts";

/** @param line with its CR LF */
export function addField(block: HeadBlock, line: string, number: number = OTHER): void {
  const start = block.end;
  block.text(line);
  const lineEnd = block.end;
  block.end = start;
  block.commit(number, lineEnd);
}
