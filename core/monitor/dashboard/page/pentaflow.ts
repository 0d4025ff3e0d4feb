/**
 * The Pentaflow (seed fig. 1) with what flows now: client to scheduler, scheduler to node, node to web server, and back, and from the
 * node straight to the client.
 */
import type { ArrayView, NodeView } from "../../array_view.ts";
import { short } from "../../screen/figures.ts";
import { html } from "./html.ts";

/** More nodes or pools than these are drawn as one. */
const MOST = 8;
const WIDTH = 960;
const ROW = 62;
const BOX = { width: 150, height: 44 };
/** Left edges of the columns. */
const AT = { clients: 10, scheduler: 220, nodes: 470, pools: 790 };

interface Place {
  readonly x: number;
  readonly y: number;
}

interface Pool {
  readonly name: string;
  readonly members: number;
  readonly rate: number;
  readonly ms: number;
}

export function pentaflow(view: ArrayView) {
  const nodes = folded(view.nodes, foldedNode), pools = folded(poolsOf(view), foldedPool);
  const rows = Math.max(nodes.length, pools.length, 2);
  const height = rows * ROW + 60;
  const place = (x: number, i: number, count: number): Place => ({ x, y: 30 + (rows - count) * ROW / 2 + i * ROW });
  const clients = { x: AT.clients, y: height / 2 - BOX.height - 8 }, scheduler = { x: AT.scheduler, y: clients.y };
  const frames = view.buckets?.frames_per_second ?? 0;
  const total = Math.max(1, ...nodes.map(({ hits_per_second }) => hits_per_second));
  return html`
    <svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label=${spoken(view, pools)}>
      ${way(right(clients), left(scheduler), frames > 0, 1, false)}
      ${label({ x: (right(clients).x + AT.scheduler) / 2, y: clients.y - 12 }, `1: ${short(frames)} frames/s`)}
      ${nodes.map((node, i) => {
        const at = place(AT.nodes, i, nodes.length), share = node.hits_per_second / total;
        return html`
          ${way(right(scheduler), left(at), node.hits_per_second > 0, share, false)}
          ${way(below(at), below(clients), node.hits_per_second > 0, share, true, height)}
          ${pools.map((pool, j) => {
            const to = place(AT.pools, j, pools.length), moves = node.hits_per_second > 0 && pool.rate > 0;
            return way(right(at), left(to), moves, share * pool.rate / Math.max(1, view.requests_per_second), false);
          })}
        `;
      })}
      ${box(clients, "clients", `${short(view.open_connections)} open`, "")}
      ${box(scheduler, "scheduler", view.scheduler ?? "not known", view.scheduler === null ? "failed" : "scheduler")}
      ${nodes.map((node, i) =>
        box(
          place(AT.nodes, i, nodes.length),
          node.name,
          node.is_stale ? "does not answer" : `${short(node.hits_per_second)} hits/s, ${node.ip_groups} groups`,
          node.is_stale ? "stale" : node.state === "failed" ? "failed" : node.role === "scheduler" ? "scheduler" : "",
        )
      )}
      ${pools.map((pool, j) =>
        box(place(AT.pools, j, pools.length), pool.name, `${short(pool.rate)} hits/s, ${pool.ms.toFixed(1)} ms`, "")
      )}
      ${label({ x: (AT.scheduler + BOX.width + AT.nodes) / 2, y: 14 }, "2: to the nodes")}
      ${label({ x: (AT.nodes + BOX.width + AT.pools) / 2, y: 14 }, "3, 4: to the web servers and back")}
      ${label(
        { x: AT.scheduler + BOX.width / 2, y: height - 6 },
        `5: ${short(view.requests_per_second)} answers/s, straight to the clients`,
      )}
    </svg>
  `;
}

function spoken(view: ArrayView, pools: readonly Pool[]): string {
  const nodes = view.nodes.map((node) =>
    `${node.name} ${node.is_stale ? "does not answer" : `${short(node.hits_per_second)} requests a second`}`
  );
  const back = pools.map((pool) => `${pool.name} ${short(pool.rate)} requests a second`);
  return `Pentaflow: clients to scheduler ${view.scheduler ?? "not known"}, ${
    short(view.buckets?.frames_per_second ?? 0)
  } frames a second; on to nodes ${nodes.join(", ")}; on to pools ${
    back.join(", ")
  }; answers go from the nodes to the clients.`;
}

function poolsOf({ back_ends }: ArrayView): Pool[] {
  const pools = new Map<string, { rate: number; weighed: number; members: number }>();
  for (const { pool, hits_per_second, avg_response_ms } of back_ends) {
    const sums = pools.get(pool) ?? { rate: 0, weighed: 0, members: 0 };
    sums.rate += hits_per_second;
    sums.weighed += hits_per_second * avg_response_ms;
    sums.members++;
    pools.set(pool, sums);
  }
  return [...pools].map(([name, { rate, weighed, members }]) => ({
    name,
    members,
    rate,
    ms: rate > 0 ? weighed / rate : 0,
  }));
}

function folded<T>(rows: readonly T[], fold: (rest: readonly T[]) => T): readonly T[] {
  return rows.length <= MOST ? rows : [...rows.slice(0, MOST - 1), fold(rows.slice(MOST - 1))];
}

function foldedNode(rest: readonly NodeView[]): NodeView {
  const sum = (pick: (node: NodeView) => number) => rest.reduce((all, node) => all + pick(node), 0);
  return {
    ...rest[0]!,
    name: `${rest.length} more nodes`,
    role: "server",
    state: "active",
    is_stale: rest.every(({ is_stale }) => is_stale),
    hits_per_second: sum(({ hits_per_second }) => hits_per_second),
    ip_groups: sum(({ ip_groups }) => ip_groups),
  };
}

function foldedPool(rest: readonly Pool[]): Pool {
  const rate = rest.reduce((sum, pool) => sum + pool.rate, 0);
  const weighed = rest.reduce((sum, pool) => sum + pool.rate * pool.ms, 0);
  return { name: `${rest.length} more pools`, members: 0, rate, ms: rate > 0 ? weighed / rate : 0 };
}

const left = ({ x, y }: Place): Place => ({ x, y: y + BOX.height / 2 });
const right = ({ x, y }: Place): Place => ({ x: x + BOX.width, y: y + BOX.height / 2 });
const below = ({ x, y }: Place): Place => ({ x: x + BOX.width / 2, y: y + BOX.height });

/** @param depth of the way back below the boxes */
function way(from: Place, to: Place, moves: boolean, share: number, isBack: boolean, depth?: number) {
  const bend = Math.max(20, (to.x - from.x) / 2);
  const path = depth === undefined
    ? `M${from.x},${from.y} C${from.x + bend},${from.y} ${to.x - bend},${to.y} ${to.x},${to.y}`
    : `M${from.x},${from.y} C${from.x},${depth} ${to.x},${depth} ${to.x},${to.y}`;
  const names = ["way", isBack ? "back" : "", moves ? "moves" : "still"].filter(Boolean).join(" ");
  return html`<path class=${names} d=${path} stroke-width=${(1 + 3 * Math.min(1, share)).toFixed(1)} />`;
}

function label({ x, y }: Place, text: string) {
  return html`<text class="label" x=${x} y=${y} text-anchor="middle">${text}</text>`;
}

function box({ x, y }: Place, title: string, text: string, state: string) {
  const shown = title.length > 20 ? `${title.slice(0, 19)}…` : title;
  return html`
    <g>
      <rect class="box ${state}" x=${x} y=${y} width=${BOX.width} height=${BOX.height} rx="6" />
      <text x=${x + 10} y=${y + 18}>${shown}</text>
      <text class="label" x=${x + 10} y=${y + 35}>${text}</text>
    </g>
  `;
}
