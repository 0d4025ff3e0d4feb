/** Requests that reached a back end which did not begin their session, in every mode of persistence. */
import { countStrays, MODES } from "../../proxy/strays.ts";
import { bar, type Found, row } from "../report.ts";

export async function measureStrays(sessions: number, say: (what: string) => void): Promise<Found> {
  const rows = [];
  let strays = 0;
  for (const mode of MODES) {
    say(`strays, ${mode.name}`);
    const counted = await countStrays(mode, sessions);
    strays += counted.strays;
    rows.push(row(`policy.strays.${mode.name}`, `of ${counted.sessions} sessions`, [counted.strays]));
  }
  return { rows, bars: [bar("policy.stray_sessions", strays, 0, "lower")] };
}
