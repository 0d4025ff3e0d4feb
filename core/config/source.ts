/** A config file as text with positions: every value can be found again by its key path. */
import { isAlias, isMap, isNode, isScalar, isSeq, type LineCounter } from "yaml";
import type { Findings, KeyPath } from "./findings.ts";
import { shortened } from "./printable.ts";
import { findingsOf, type Problem } from "./problem.ts";
import { MAX_ALIASES, Structure } from "./structure.ts";
import { parseYaml } from "./yaml.ts";

/** Where a value stands. */
interface Place {
  readonly offset: number;
  /** Of its key, or of its own in a list. */
  readonly keyOffset: number;
  /** Undefined when there is none. */
  readonly node: unknown;
}

export class Source {
  /** Of the file as YAML. */
  readonly problems: readonly Problem[];
  /** The file as plain data. */
  readonly data: unknown;
  /** Whether that is what the file says. */
  readonly isData: boolean = false;
  #lines: LineCounter;
  #top: unknown;
  #structure: Structure | undefined;

  constructor(readonly file: string, readonly text: string) {
    const { document, lines, problems } = parseYaml(text);
    this.#lines = lines;
    this.problems = problems;
    if (!document) return;
    this.#top = document.contents;
    this.#structure = new Structure(document);
    this.problems = [...this.#structure.unusable, ...this.#structure.repeated];
    if (this.#structure.unusable.length > 0) return;
    try {
      this.data = document.toJS({ maxAliasCount: MAX_ALIASES });
      this.isData = true;
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      this.problems = [{
        offset: 0,
        path: [],
        found: () => "aliases that multiply each other",
        expected: () => "fewer",
      }];
    }
  }

  findings(problems: readonly Problem[]): Findings {
    return findingsOf(this.file, this.#lines, problems);
  }

  /** A problem of the value at the path. */
  atValue(path: KeyPath, expected: () => string, found?: string): Problem {
    const { offset, node } = this.#place(path);
    return { offset, path, found: () => found ?? this.#shown(node), expected };
  }

  /** A problem of the key at the end of the path. */
  atKey(path: KeyPath, expected: () => string, found: () => string): Problem {
    return { offset: this.#place(path).keyOffset, path, found, expected };
  }

  /** What is missing is looked for where the map begins that lacks it; what stands behind an alias, at the alias. */
  #place(path: KeyPath): Place {
    let node = this.#top;
    let offset = offsetOf(node) ?? 0;
    let keyOffset = offset;
    let behindAlias = false;
    for (const step of path) {
      behindAlias ||= isAlias(node);
      const holder = this.#structure!.resolved(node);
      const pair = isMap(holder) ? this.#structure!.pair(holder, String(step)) : undefined;
      node = pair ? pair.value : isSeq(holder) ? holder.items[Number(step)] : undefined;
      if (behindAlias) continue;
      keyOffset = offsetOf(pair?.key) ?? offsetOf(node) ?? offset;
      offset = offsetOf(node) ?? keyOffset;
    }
    return { offset, keyOffset, node };
  }

  #shown(node: unknown): string {
    const value = this.#structure!.resolved(node);
    if (isMap(value)) return "a map";
    if (isSeq(value)) return "a list";
    if (!isScalar(value) || value.value === null) return "nothing";
    return shortened(this.text.slice(value.range![0], value.range![1]));
  }
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
