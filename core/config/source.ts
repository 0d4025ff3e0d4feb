/** A config file as text with positions: every value can be found again by its key path. */
import YAML, { isMap, isNode, isPair, isScalar, isSeq, type Node } from "yaml";
import { type Finding, type KeyPath, pathText } from "./findings.ts";

/** Longest config file, bytes: an array of 256 nodes and 1,000 back ends needs a tenth. */
const MAX_BYTES = 1_048_576;
/** Longest value shown in a message. */
const SHOWN = 60;

export class Source {
  readonly findings: Finding[] = [];
  /** The file as plain data; undefined when it could not be parsed. */
  readonly data: unknown;
  #lines = new YAML.LineCounter();
  #document: YAML.Document.Parsed | undefined;

  constructor(readonly file: string, readonly text: string) {
    if (text.length > MAX_BYTES) {
      this.#add(1, 1, `${text.length} bytes`, `at most ${MAX_BYTES}`);
      return;
    }
    this.#document = YAML.parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: "1.2" });
    for (const error of this.#document.errors) {
      const { line, col } = this.#lines.linePos(error.pos[0]);
      this.#add(line, col, firstLine(error.message), "YAML 1.2");
    }
    if (this.findings.length > 0) return;
    try {
      this.data = this.#document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      // Aliases that multiply each other.
      this.#add(1, 1, firstLine(error instanceof Error ? error.message : String(error)), "few aliases");
    }
  }

  #add(line: number, column: number, found: string, expected: string): void {
    this.findings.push({ file: this.file, line, column, path: "", found, expected });
  }

  /** A finding about the value at the path, or about its key where `atKey` is set. */
  finding(
    path: KeyPath,
    expected: string,
    options: { readonly found?: string; readonly atKey?: boolean } = {},
  ): Finding {
    const { line, col } = this.#lines.linePos(this.#offset(path, options.atKey ?? false));
    const found = options.found ?? this.#shown(path);
    // An empty file has no line at all.
    return { file: this.file, line: line || 1, column: col || 1, path: pathText(path), found, expected };
  }

  /** Where the value begins; what is missing is looked for where the map begins that lacks it. */
  #offset(path: KeyPath, atKey: boolean): number {
    let node: unknown = this.#document!.contents;
    let offset = isNode(node) ? node.range?.[0] ?? 0 : 0;
    for (const [depth, step] of path.entries()) {
      const pair = isMap(node)
        ? node.items.find((item) => isPair(item) && keyOf(item.key) === String(step))
        : undefined;
      if (pair && atKey && depth === path.length - 1) return (pair.key as Node).range?.[0] ?? offset;
      const next: unknown = pair ? pair.value : isSeq(node) ? node.items[Number(step)] : undefined;
      if (pair && (!isNode(next) || next.range == null)) return (pair.key as Node).range?.[0] ?? offset;
      if (!isNode(next)) return offset;
      node = next;
      offset = next.range?.[0] ?? offset;
    }
    return offset;
  }

  #shown(path: KeyPath): string {
    const node = path.length === 0 ? this.#document!.contents : this.#document!.getIn(path, true);
    if (isMap(node)) return "a map";
    if (isSeq(node)) return "a list";
    if (!isScalar(node) || node.value === null) return "nothing";
    const text = this.text.slice(node.range![0], node.range![1]).replaceAll(/\s+/g, " ");
    return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
  }
}

function keyOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function firstLine(text: string): string {
  return text.split(/[\n;]/)[0]!.replace(/[.:]$/, "");
}
