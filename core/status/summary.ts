/** The Summary Web Server Status Table (seed fig. 8): what all nodes say of each back end, added up. Pure. */
import type { Config } from "../config/schema.ts";
import type { NodeReport } from "./node_report.ts";
import type { SummaryRow } from "./tables.ts";

/** @param reports of the nodes; rows of back ends that the config does not know are left out */
export function summaryOf({ pools }: Config, reports: readonly NodeReport[]): SummaryRow[] {
  return pools.flatMap((pool) =>
    pool.back_ends.map(({ key, address: { address, port } }) => {
      const rows = reports.flatMap(({ back_ends }) =>
        back_ends.filter((row) => row.key === key && row.pool === pool.name).slice(0, 1)
      );
      const sum = (pick: (row: typeof rows[number]) => number) => rows.reduce((total, row) => total + pick(row), 0);
      return {
        pool: pool.name,
        key,
        address: `${address}:${port}`,
        cookie_groups: sum((row) => row.cookie_groups),
        hits: sum((row) => row.hits),
        open_connections: sum((row) => row.open_connections),
      };
    })
  );
}
