/** What was changed, and what was refused and why: a line of JSON each, only ever appended to. */

/** Refusals of strangers, whose number is theirs to choose, are written so often at most, a second; others are counted. */
const STRANGERS_A_SECOND = 20;

export interface AuditEntry {
  /** As "commit". */
  readonly action: string;
  readonly outcome: "done" | "refused" | "failed";
  /** Common name of the certificate; null where there was none to trust. */
  readonly who: string | null;
  /** Address that it came from; null: this node by itself. */
  readonly from: string | null;
  /** Why it was refused, or what it changed. */
  readonly detail: string;
}

export class AuditLog {
  #second = 0;
  #strangers = 0;
  #unwritten = 0;

  /** @param now ms since 1970 */
  constructor(readonly path: string, readonly now: () => number = Date.now) {}

  /** Returns once it is on the disk. */
  write(entry: AuditEntry): void {
    const now = this.now();
    if (entry.who === null && entry.outcome === "refused" && !this.#takeStranger(now)) return;
    const missed = this.#unwritten > 0 ? { refusals_not_written: this.#unwritten } : {};
    this.#unwritten = 0;
    const line = JSON.stringify({ time: new Date(now).toISOString(), ...entry, ...missed }) + "\n";
    using file = Deno.openSync(this.path, { append: true, create: true, mode: 0o600 });
    file.writeSync(new TextEncoder().encode(line));
    file.syncDataSync();
  }

  #takeStranger(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) this.#strangers = 0;
    this.#second = second;
    if (++this.#strangers <= STRANGERS_A_SECOND) return true;
    this.#unwritten++;
    return false;
  }
}
