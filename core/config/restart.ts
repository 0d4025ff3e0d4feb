/** Which keys of a running array cannot change while its processes run. One table for `dlba check --against`, a push and the roles. */
import { isDeepStrictEqual } from "node:util";
import type { Config } from "./schema.ts";

/** Key paths of the schema; what stands below one is as it. `*` stands for each item of a list, by its name. */
export const RESTART_KEYS = [
  "array",
  "scheduler.engine",
  "scheduler.xdp_mode",
  "scheduler.table_size",
  "scheduler.hash",
  "failover.coordination",
  "failover.etcd",
  "proxy.workers",
  "nodes.*.id",
  "nodes.*.address",
  "nodes.*.mac",
  "nodes.*.interface",
  "tls.pkcs11",
  "control",
] as const;

/** Key paths whose change waits for a restart, as `nodes[node-b].mac`. */
export function restartPaths(before: Config, after: Config): string[] {
  const paths = RESTART_KEYS.flatMap((path) => changed("", path.split("."), before, after));
  // Without the section nobody listens on the HTTPS port.
  if ((before.tls === undefined) !== (after.tls === undefined)) paths.push("tls");
  return paths;
}

function changed(at: string, [key, ...rest]: readonly string[], before: unknown, after: unknown): string[] {
  if (key === undefined) return isDeepStrictEqual(before, after) ? [] : leaves(at, before, after);
  if (key === "*") {
    const items = after as readonly { readonly name: string }[];
    return (before as typeof items).flatMap((item) => {
      const other = items.find(({ name }) => name === item.name);
      // What comes or goes as a whole is no change of its keys.
      return other ? changed(`${at}[${item.name}]`, rest, item, other) : [];
    });
  }
  return changed(at === "" ? key : `${at}.${key}`, rest, valueOf(before, key), valueOf(after, key));
}

/** The paths within a section that differ. */
function leaves(at: string, before: unknown, after: unknown): string[] {
  if (!isMap(before) || !isMap(after)) return [at];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    changed(at, [key], before, after)
  );
}

function valueOf(value: unknown, key: string): unknown {
  return isMap(value) ? value[key] : undefined;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
