/** Tables in the columns of `dlba top`. */
import type { ArrayView } from "../../array_view.ts";
import { BACK_END_COLUMNS, NODE_COLUMNS } from "../../screen/columns.ts";
import type { Column } from "../../screen/table.ts";
import { html } from "./html.ts";

export function nodeTable({ nodes }: ArrayView) {
  return table(
    "Nodes: the DLBA Server Status Table",
    NODE_COLUMNS,
    nodes,
    ({ name }) => name,
    ({ is_stale }) => is_stale,
  );
}

export function backEndTable({ back_ends }: ArrayView) {
  const name = ({ pool, key }: ArrayView["back_ends"][number]) => `${pool} ${key}`;
  return table(
    "Web servers, over all nodes: the Summary Web Server Status Table",
    BACK_END_COLUMNS,
    back_ends,
    name,
    () => false,
  );
}

function table<T>(
  caption: string,
  columns: readonly Column<T>[],
  rows: readonly T[],
  nameOf: (row: T) => string,
  isStale: (row: T) => boolean,
) {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${caption}>
      <table>
        <caption>${caption}</caption>
        <thead>
          <tr>${columns.map(({ title, isRight }) =>
            html`<th scope="col" class=${isRight ? "number" : ""}>${title}</th>`
          )}</tr>
        </thead>
        <tbody>
            ${rows.map((row) =>
              html`<tr key=${nameOf(row)} class=${isStale(row) ? "stale" : ""}>${
                columns.map((column) => cell(column, row))
              }</tr>`
            )}
          </tbody>
      </table>
    </div>
  `;
}

function cell<T>({ text, isRight, style }: Column<T>, row: T) {
  return html`<td class=${`${isRight ? "number" : ""} ${style?.(row) ?? ""}`.trim()}>${text(row)}</td>`;
}
