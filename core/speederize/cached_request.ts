/** What of a request says whether a cached page may answer it: RFC 9111 section 4. */
import type { RequestHead } from "../proxy/message.ts";
import { type Directives, parseCacheControl } from "./cache_control.ts";

export interface RequestFields {
  readonly cacheControl: Directives;
  readonly ifNoneMatch: string;
  /** Conditions that only the origin can tell of, or a part of the page. */
  readonly isConditional: boolean;
  readonly hasAuthorization: boolean;
}

export function requestFields({ block }: RequestHead): RequestFields {
  let cacheControl = "";
  let ifNoneMatch = "";
  let isConditional = false;
  let hasAuthorization = false;
  for (let i = 0; i < block.count; i++) {
    switch (block.name(i)) {
      case "cache-control":
        cacheControl += `${block.value(i)}, `;
        break;
      case "pragma":
        if (cacheControl === "" && block.value(i).toLowerCase() === "no-cache") cacheControl = "no-cache";
        break;
      case "if-none-match":
        ifNoneMatch = block.value(i);
        break;
      case "if-match":
      case "if-modified-since":
      case "if-unmodified-since":
      case "if-range":
      case "range":
        isConditional = true;
        break;
      case "authorization":
        hasAuthorization = true;
    }
  }
  return { cacheControl: parseCacheControl(cacheControl), ifNoneMatch, isConditional, hasAuthorization };
}

/** The value of a request's field, "" without; several are joined as RFC 9110 section 5.2 says. */
export function fieldOf({ block, cookie }: RequestHead, name: string): string {
  if (name === "cookie") return cookie;
  // Back ends of these pools are always asked for the same.
  if (name === "accept-encoding") return "";
  const values: string[] = [];
  for (let i = 0; i < block.count; i++) if (block.name(i) === name) values.push(block.value(i));
  return values.join(", ");
}

/** Pages are kept by scheme, host, target and the client's label; the rules' version empties the cache. */
export function cacheKey(host: string, target: string, isTls: boolean, label: string): string {
  return `${label}
${isTls ? "https" : "http"}://${host.toLowerCase()}${target}`;
}

/** Whether If-None-Match names the tag: weak comparison, RFC 9110 section 13.1.2. */
export function namesTag(ifNoneMatch: string, etag: string): boolean {
  if (etag === "" || ifNoneMatch === "") return false;
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = etag.replace(/^W\//, "");
  return [...ifNoneMatch.matchAll(/(?:W\/)?("[^"]*")/g)].some(([, tag]) => tag === opaque);
}
