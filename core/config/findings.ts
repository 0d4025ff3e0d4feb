/** What is wrong with a config file, and where. */
import { printable, shortened } from "./printable.ts";

/** Steps from the top of the file to a value: keys of maps, indices of lists. */
export type KeyPath = readonly (string | number)[];

/** Without characters that a terminal would obey, wherever they come from. */
export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** As `nodes[1].mac`; "" for the file as a whole. */
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

export interface Findings {
  /** In the order of the file. */
  readonly findings: readonly Finding[];
  /** How many were left out behind the last of them. */
  readonly more: number;
}

/** `dlba.yaml:12:9: nodes[1].mac: found 02:00:zz, expected a unicast MAC address as 02:00:00:00:00:0b` */
export function findingLine({ file, line, column, path, found, expected }: Finding): string {
  return `${printable(file)}:${line}:${column}: ${path && `${path}: `}found ${found}, expected ${expected}`;
}

/** A line each. */
export function findingsText({ findings, more }: Findings): string {
  return [...findings.map(findingLine), ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

export function pathText(path: KeyPath): string {
  return path.map((step, i) => {
    if (typeof step === "number") return `[${step}]`;
    return `${i === 0 ? "" : "."}${shortened(step)}`;
  }).join("");
}
