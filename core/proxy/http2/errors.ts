/** How errors end: RFC 9113 section 5.4. */
import type { Abuse } from "./abuse.ts";
import { ENHANCE_YOUR_CALM } from "./codes.ts";

/** Ends the connection by GOAWAY. */
export class ConnectionError extends Error {
  override name = "ConnectionError";
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

/** The connection asks for more than it is worth. */
export class AbuseError extends ConnectionError {
  override name = "AbuseError";
  constructor(readonly abuse: Abuse) {
    super(ENHANCE_YOUR_CALM, abuse);
  }
}

/** Ends one stream by RST_STREAM. */
export class StreamError extends Error {
  override name = "StreamError";
  constructor(readonly code: number, message: string) {
    super(message);
  }
}
