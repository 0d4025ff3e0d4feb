/** The last hour of a node, a value a second, for plots. Pure. */
import type { RequestCounts } from "./tables.ts";

export const HOUR_SECONDS = 3600;

/** The columns hold one value a second, the last one for the second `until`. */
export interface HourReport {
  /** Seconds since 1970. */
  readonly until: number;
  /** Requests a second that went to back ends or that dlba answered itself. */
  readonly requests: readonly number[];
  readonly own_answers: readonly number[];
  /** Client connections. */
  readonly open: readonly number[];
}

const COLUMNS = 3;

export class Hour {
  /** A row a second, by the second modulo an hour. */
  #rows = new Float32Array(HOUR_SECONDS * COLUMNS);
  #first: number | undefined;
  #last = 0;
  #counts: RequestCounts | undefined;

  /** @param second since 1970; one that was left out since the last call has the mean of the time between */
  add(second: number, counts: RequestCounts): void {
    const before = this.#counts;
    this.#counts = counts;
    if (this.#first !== undefined && second <= this.#last) return;
    const from = this.#first === undefined || second - this.#last > HOUR_SECONDS ? second : this.#last + 1;
    const passed = second - from + 1;
    const rate = (pick: (counts: RequestCounts) => number) =>
      before ? Math.max(0, pick(counts) - pick(before)) / passed : 0;
    const row = [
      rate(({ requests, own_answers }) => requests + own_answers),
      rate(({ own_answers }) => own_answers),
      counts.clients_open,
    ];
    for (let at = from; at <= second; at++) this.#rows.set(row, (at % HOUR_SECONDS) * COLUMNS);
    // After a gap of more than an hour nothing of before is left.
    if (this.#first === undefined || second - this.#last > HOUR_SECONDS) this.#first = second;
    this.#last = second;
  }

  report(): HourReport {
    const first = Math.max(this.#first ?? 1, this.#last - HOUR_SECONDS + 1);
    const seconds = Array.from({ length: this.#first === undefined ? 0 : this.#last - first + 1 }, (_, i) => first + i);
    const column = (index: number) =>
      seconds.map((second) => Math.round(this.#rows[(second % HOUR_SECONDS) * COLUMNS + index]! * 100) / 100);
    return { until: this.#last, requests: column(0), own_answers: column(1), open: column(2) };
  }
}

/** The sum of several nodes' hours; where one has no value it counts for nothing. */
export function sumOfHours(hours: readonly HourReport[]): HourReport {
  const until = Math.max(0, ...hours.map((hour) => hour.until));
  const first = Math.max(
    until - HOUR_SECONDS + 1,
    Math.min(...hours.map((hour) => hour.until - hour.requests.length + 1)),
  );
  const seconds = Array.from({ length: hours.length === 0 ? 0 : until - first + 1 }, (_, i) => first + i);
  const column = (pick: (hour: HourReport) => readonly number[]) =>
    seconds.map((second) =>
      hours.reduce((sum, hour) => sum + (pick(hour)[second - (hour.until - hour.requests.length + 1)] ?? 0), 0)
    );
  return {
    until,
    requests: column((hour) => hour.requests),
    own_answers: column((hour) => hour.own_answers),
    open: column((hour) => hour.open),
  };
}
