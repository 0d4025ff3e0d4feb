/** What a tree shows and its plain data does not: keys that stand twice or are no text, and what each alias stands for. */
import YAML, { isAlias, isMap, isNode, isScalar, isSeq, type Node } from "yaml";
import type { KeyPath } from "./findings.ts";
import type { Problem } from "./problem.ts";
import { shortened } from "./printable.ts";

/** Most aliases in all: one for the interface of each of 256 nodes, and some. */
export const MAX_ALIASES = 1_000;

export class Structure {
  /** Keys that stand twice: the last one counts. */
  readonly repeated: Problem[] = [];
  /** What has no value as plain data. */
  readonly unusable: Problem[] = [];
  #anchored = new Map<string, Node>();
  #aliases = new Map<YAML.Alias, Node>();
  /** By map, since each of its keys may be asked for. */
  #pairs = new Map<YAML.YAMLMap, Map<string, YAML.Pair>>();

  constructor(document: YAML.Document.Parsed) {
    this.#walk(document.contents, []);
    const beyond = [...this.#aliases.keys()][MAX_ALIASES];
    if (beyond) this.unusable.push(problem(beyond, [], `more than ${MAX_ALIASES} aliases`, "fewer"));
  }

  /** The node itself, or what it is an alias of. */
  resolved(node: unknown): unknown {
    return isAlias(node) ? this.#aliases.get(node) : node;
  }

  /** The pair of that key that counts. */
  pair(map: YAML.YAMLMap, key: string): YAML.Pair | undefined {
    return this.#pairs.get(map)?.get(key);
  }

  #walk(node: unknown, path: KeyPath): void {
    if (isAlias(node)) return this.#alias(node, path);
    if (isNode(node) && node.anchor) this.#anchored.set(node.anchor, node);
    if (isMap(node)) this.#map(node, path);
    if (isSeq(node)) node.items.forEach((item, i) => this.#walk(item, [...path, i]));
  }

  /** An anchor may be set anew: an alias means the last one before it. */
  #alias(alias: YAML.Alias, path: KeyPath): void {
    const node = this.#anchored.get(alias.source);
    if (node) this.#aliases.set(alias, node);
    else this.unusable.push(problem(alias, path, `*${shortened(alias.source)}`, "an anchor that is set before it"));
  }

  #map(map: YAML.YAMLMap, path: KeyPath): void {
    const pairs = new Map<string, YAML.Pair>();
    this.#pairs.set(map, pairs);
    for (const pair of map.items) {
      this.#walk(pair.key, path);
      const key = this.resolved(pair.key);
      if (!isScalar(key)) {
        if (isNode(key)) this.unusable.push(problem(pair.key as Node, path, "a map or list as a key", "text"));
        continue;
      }
      const name = String(key.value ?? "");
      if (pairs.has(name)) this.repeated.push(problem(pair.key as Node, [...path, name], "twice", "once"));
      pairs.set(name, pair);
      this.#walk(pair.value, [...path, name]);
    }
  }
}

function problem(node: Node, path: KeyPath, found: string, expected: string): Problem {
  return { offset: node.range![0], path, found: () => found, expected: () => expected };
}
