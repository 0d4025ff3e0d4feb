/** It was used rightly and could not be done: a node that does not answer. The message is printed as it is; exit code 1. */
export class Failure extends Error {
  override name = "Failure";
}

/**
 * Wrong use or wrong environment: a bad flag, a bad config, a missing library, a port in use.
 * `main.ts` prints the message as it is (it may hold several lines, one a finding) and exits with code 2.
 * Any other error is a defect of ours: `main.ts` prints its stack and exits with code 1.
 */
export class UsageError extends Error {
  override name = "UsageError";
}
