/**
 * Wrong use or wrong environment: a bad flag, a bad config, a missing library, a port in use.
 * `main.ts` prints the message as it is (it may hold several lines, one a finding) and exits with code 2.
 * Every other error that reaches `main.ts` exits with code 1.
 */
export class UsageError extends Error {
  override name = "UsageError";
}
