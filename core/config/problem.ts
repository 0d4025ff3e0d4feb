/** An error of a config file before it is put into words: of 60,000, only those that are shown cost more than their place. */
import type { LineCounter } from "yaml";
import { type Findings, type KeyPath, pathText } from "./findings.ts";
import { printable } from "./printable.ts";

/** Most findings that are worth reading. */
const MAX_FINDINGS = 100;

export interface Problem {
  /** In the file's text, characters. */
  readonly offset: number;
  readonly path: KeyPath;
  readonly found: () => string;
  readonly expected: () => string;
}

/** The problems in the order of the file, as findings. */
export function findingsOf(file: string, lines: LineCounter, problems: readonly Problem[]): Findings {
  const sorted = problems.toSorted((one, other) => one.offset - other.offset);
  const findings = sorted.slice(0, MAX_FINDINGS).map(({ offset, path, found, expected }) => {
    const { line, col } = lines.linePos(offset);
    return {
      file,
      // An empty file has no line at all.
      line: line || 1,
      column: col || 1,
      path: printable(pathText(path)),
      found: printable(found()),
      expected: printable(expected()),
    };
  });
  return { findings, more: sorted.length - findings.length };
}
