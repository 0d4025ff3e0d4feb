/** What is shown of a node and of a back end. */
import type { BackEndView, NodeView } from "../array_view.ts";
import { age, short } from "./figures.ts";
import type { Style } from "./line.ts";
import type { Column } from "./table.ts";

const STATE_STYLES: Record<NodeView["state"], Style> = {
  active: "good",
  filling: "good",
  draining: "warning",
  disabled: "dim",
  failed: "error",
  unknown: "dim",
};

function staleness({ stale_s, is_stale }: NodeView): string {
  if (stale_s === null) return "never";
  return is_stale ? `stale ${age(stale_s)}` : age(stale_s);
}

export const NODE_COLUMNS: readonly Column<NodeView>[] = [
  { title: "node", text: ({ name }) => name, order: ({ name }) => name, leaves: 0, style: () => "bold" },
  { title: "role", text: ({ role }) => role, order: ({ role }) => role, leaves: 3 },
  {
    title: "state",
    text: ({ state }) => state,
    order: ({ state }) => state,
    leaves: 0,
    style: ({ state }) => STATE_STYLES[state],
  },
  number("IP groups", ({ ip_groups }) => ip_groups, 1, String),
  number("hits/s", ({ hits_per_second }) => hits_per_second, 0),
  number("open", ({ open_connections }) => open_connections, 0),
  number("avg ms", ({ avg_response_ms }) => avg_response_ms, 2),
  {
    title: "heard",
    text: staleness,
    order: ({ stale_s }) => stale_s ?? Infinity,
    isRight: true,
    leaves: 0,
    style: ({ is_stale }) => is_stale ? "error" : "dim",
  },
  number("hits", ({ hits }) => hits, 4),
  number("weight", ({ weight }) => weight, 5, String),
  { title: "address", text: ({ address }) => address, order: ({ address }) => address, leaves: 6, style: () => "dim" },
];

export const BACK_END_COLUMNS: readonly Column<BackEndView>[] = [
  { title: "pool", text: ({ pool }) => pool, order: ({ pool }) => pool, leaves: 0, style: () => "bold" },
  { title: "key", text: ({ key }) => String(key), order: ({ key }) => -key, isRight: true, leaves: 0 },
  { title: "address", text: ({ address }) => address, order: ({ address }) => address, leaves: 1 },
  number("hits/s", ({ hits_per_second }) => hits_per_second, 0),
  number("open", ({ open_connections }) => open_connections, 0),
  number("avg ms", ({ avg_response_ms }) => avg_response_ms, 2),
  {
    ...number<BackEndView>("fail/s", ({ failures_per_second }) => failures_per_second, 0),
    style: ({ failures_per_second }) => failures_per_second > 0 ? "error" : "plain",
  },
  number("ejected", ({ ejections }) => ejections, 3),
  number("cookie groups", ({ cookie_groups }) => cookie_groups, 4),
  number("hits", ({ hits }) => hits, 5),
  number("failures", ({ connect_failures }) => connect_failures, 6),
];

function number<T>(title: string, pick: (row: T) => number, leaves: number, text = short): Column<T> {
  return { title, text: (row) => text(pick(row)), order: pick, isRight: true, leaves };
}
