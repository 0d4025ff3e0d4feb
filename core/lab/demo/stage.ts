/** What a demo plays on: a laboratory with an array, or this machine's loopback. */

/** Name of a step, and what runs it: resolves to the evidence, throws when the step does not hold. */
export type Step = readonly [name: string, run: () => Promise<string>];

export interface Stage {
  /** What is made, for the progress line. */
  readonly making: string;
  readonly steps: readonly Step[];
  /** Until then nothing is made. */
  build(): Promise<void>;
  /** Leaves everything up, where that can be; resolves to how to look around. */
  keep?(): Promise<string>;
  /** Removes everything, at whatever point; a second call does nothing. */
  close(): Promise<void>;
}
