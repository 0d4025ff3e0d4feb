/** Versions, nodes and overrides as a person reads them. */
import { printable } from "../config/printable.ts";
import type { Look } from "./array.ts";
import type { Override } from "./overrides.ts";
import type { Pushed } from "./push.ts";
import type { VersionHead } from "./version.ts";

const HASH_SHOWN = 12;

export function versionText({ number, hash, author, time }: VersionHead): string {
  const by = number === 0 ? "the node's own file" : `${new Date(time).toISOString()} by ${printable(author)}`;
  return `${number}  ${hash.slice(0, HASH_SHOWN)}  ${by}`;
}

export function pushedText({ number, nodes, missing, roles }: Pushed): string {
  const waiting = new Set(roles.flatMap(({ roles }) => roles.flatMap(({ needsRestart }) => needsRestart ?? [])));
  return [
    `Version ${number} runs on ${nodes.toSorted().join(", ")}`,
    ...missing.map((why) => `Without it, until they are back: ${printable(why)}`),
    ...[...waiting].map((path) => `Waits for a restart: ${printable(path)}`),
  ].join("\n");
}

/** Who runs what. */
export function statusText({ heard, missing }: Look): string {
  const lines = heard.toSorted((one, other) => one.node.name < other.node.name ? -1 : 1).flatMap(({ node, state }) => [
    `${node.name}  version ${versionText(state.version)}, overrides of revision ${state.overrides.revision}`,
    ...(state.staged ? [`  staged: ${versionText(state.staged)}`] : []),
    ...state.roles.filter(({ ok, version }) => !ok || version !== state.version.number).map((
      { role, version, error },
    ) => `  ${role} runs version ${version}${error === undefined ? "" : `: ${printable(error)}`}`),
  ]);
  return [...lines, ...missing.map(({ why }) => printable(why))].join("\n");
}

export function overridesText(overrides: readonly Override[]): string {
  if (overrides.length === 0) return "No overrides";
  return overrides.map(({ kind, name, what, value, until, author, time }) =>
    `${kind === "node" ? "node" : "back end"} ${name}: ${what}${value === null ? "" : ` ${value}`}` +
    `${until === null ? "" : ` until ${new Date(until).toISOString()}`}, by ${printable(author)} at ${
      new Date(time).toISOString()
    }`
  ).join("\n");
}
