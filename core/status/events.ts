/** What happened, for those who watch: two looks at the tables of a node a moment apart, compared. Pure but for the clock that is passed in. */
import type { Overview, ServerRow, StatusEvent } from "./tables.ts";

/** Kept: more than a screen shows. */
const KEPT = 100;

type Level = StatusEvent["level"];
type Look = Pick<Overview, "scheduler" | "epoch" | "server_status" | "back_ends" | "certificates" | "speederize">;

/** Days before the end of a certificate at which it is told again. */
const REMINDERS = [30, 14, 7, 3, 1, 0];

const LEVEL_OF_STATE: Record<ServerRow["state"], Level> = {
  active: "info",
  filling: "info",
  draining: "warning",
  disabled: "warning",
  failed: "error",
};

export class EventLog {
  #events: StatusEvent[] = [];
  #before: Look | undefined;
  #now: () => number;

  /** @param now ms since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The latest, oldest first. */
  get latest(): readonly StatusEvent[] {
    return this.#events;
  }

  /** Compares the tables with the ones of the last call. */
  look(tables: Look): void {
    if (this.#before) { for (const [level, text] of eventsBetween(this.#before, tables)) this.#add(level, text); }
    this.#before = tables;
  }

  #add(level: Level, text: string): void {
    this.#events = [...this.#events, { time: new Date(this.#now()).toISOString(), level, text }].slice(-KEPT);
  }
}

function* eventsBetween(before: Look, after: Look): Generator<[Level, string]> {
  if (after.scheduler !== before.scheduler || after.epoch !== before.epoch) {
    yield after.scheduler === null
      ? ["error", `no scheduler is known, epoch ${after.epoch}`]
      : ["warning", `${after.scheduler} schedules, epoch ${after.epoch}`];
  }
  yield* nodeEvents(before, after);
  const known = new Map(before.back_ends.map((row) => [`${row.pool} ${row.key}`, row]));
  for (const row of after.back_ends) {
    const was = known.get(`${row.pool} ${row.key}`);
    if (was && row.ejections > was.ejections) {
      yield ["error", `back end ${row.address} of ${row.pool} is left out: it fails`];
    }
  }
  const wasCertified = new Map(before.certificates.map((row) => [row.file, row]));
  for (const row of after.certificates) {
    const was = wasCertified.get(row.file);
    if (was && was.fingerprint_sha256 !== row.fingerprint_sha256) yield ["info", `certificate ${row.file} is replaced`];
    else if (was && REMINDERS.some((days) => was.days_left > days && row.days_left <= days)) {
      yield ["warning", `certificate ${row.file} ends in ${row.days_left} days`];
    }
  }
  if (before.speederize && after.speederize && before.speederize.to_cdn !== after.speederize.to_cdn) {
    yield ["info", after.speederize.to_cdn ? "content moves to the CDN" : "content stays local"];
  }
}

/** A state is told by who schedules: the others know no better. `filling` comes and goes by itself. */
function* nodeEvents(before: Look, after: Look): Generator<[Level, string]> {
  const shown = (state: ServerRow["state"]) => state === "filling" ? "active" : state;
  const known = new Map(before.server_status.map((row) => [row.name, row]));
  for (const { name, state } of after.server_status) {
    const was = known.get(name);
    if (!was) yield ["info", `node ${name} joins`];
    else if (shown(was.state) !== shown(state)) yield [LEVEL_OF_STATE[state], `node ${name} is ${shown(state)}`];
    known.delete(name);
  }
  for (const name of known.keys()) yield ["warning", `node ${name} leaves`];
}
