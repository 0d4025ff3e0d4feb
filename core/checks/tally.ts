/** Whether a back end is up, by checks in a row. Pure. */

export interface TallyRules {
  /** Checks that must succeed in a row before it is up again. */
  readonly rise: number;
  /** Checks that must fail in a row before it is down. */
  readonly fall: number;
}

export class Tally {
  /** Undefined before the first check: it counts at once. */
  #isUp: boolean | undefined;
  #row = 0;

  constructor(readonly rules: TallyRules) {}

  get isUp(): boolean | undefined {
    return this.#isUp;
  }

  /** True when its state changed by this. */
  record(succeeded: boolean): boolean {
    if (this.#isUp === undefined) {
      this.#isUp = succeeded;
      return true;
    }
    this.#row = succeeded === this.#isUp ? 0 : this.#row + 1;
    if (this.#row < (succeeded ? this.rules.rise : this.rules.fall)) return false;
    this.#row = 0;
    this.#isUp = succeeded;
    return true;
  }
}
