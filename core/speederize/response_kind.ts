/** What of a response's head decides whether its body is rewritten, read in one pass. */
import type { HeadBlock } from "../proxy/head_block.ts";
import { charsetOf, hasAsciiTrails, isPlainCharset } from "./charset.ts";
import type { Doubt } from "./doubts.ts";

export type Kind = "html" | "css";

export interface ResponseFields {
  readonly kind: Kind | null;
  /** Why a page or stylesheet stays as it is; null when it is rewritten. */
  readonly doubt: Doubt | null;
  readonly coding: string;
  /** As the Content-Type says; "" without. */
  readonly charset: string;
  readonly policies: readonly string[];
  readonly cacheControl: string;
  readonly age: string;
  readonly date: string;
  readonly expires: string;
  readonly vary: string;
  readonly etag: string;
  readonly hasCookie: boolean;
}

const TYPES: ReadonlyMap<string, Kind> = new Map([["text/html", "html"], ["text/css", "css"]]);

/** @param decodes codings that can be undone */
export function readFields(status: number, block: HeadBlock, decodes: ReadonlySet<string>): ResponseFields {
  let contentType = "";
  let coding = "";
  let cacheControl = "";
  let etag = "";
  let isSigned = false;
  let isEmbedder = false;
  let hasCookie = false;
  let age = "";
  let date = "";
  let expires = "";
  let vary = "";
  const policies: string[] = [];
  for (let i = 0; i < block.count; i++) {
    switch (block.name(i)) {
      case "content-type":
        contentType = block.value(i);
        break;
      case "content-encoding":
        coding += coding === "" ? block.value(i) : `, ${block.value(i)}`;
        break;
      case "cache-control":
        cacheControl += cacheControl === "" ? block.value(i) : `, ${block.value(i)}`;
        break;
      case "age":
        age = block.value(i);
        break;
      case "date":
        date = block.value(i);
        break;
      case "expires":
        expires = block.value(i);
        break;
      case "vary":
        vary += vary === "" ? block.value(i) : `, ${block.value(i)}`;
        break;
      case "etag":
        etag = block.value(i);
        break;
      case "content-security-policy":
        policies.push(block.value(i));
        break;
      case "cross-origin-embedder-policy":
        isEmbedder = /^\s*require-corp\b/i.test(block.value(i));
        break;
      case "signature-input":
        isSigned = true;
        break;
      case "set-cookie":
        hasCookie = true;
    }
  }
  const kind = TYPES.get(contentType.replace(/;.*$/, "").trim().toLowerCase()) ?? null;
  coding = coding.trim().toLowerCase();
  if (coding === "identity") coding = "";
  const charset = charsetOf(contentType);
  let doubt: Doubt | null = null;
  if (status === 206) doubt = "partial";
  else if (/(^|[\s,])no-transform($|[\s,;])/i.test(cacheControl)) doubt = "no_transform";
  else if (isSigned) doubt = "signed";
  else if (charset !== "" && !isPlainCharset(charset) || kind === "css" && hasAsciiTrails(charset)) doubt = "charset";
  else if (isEmbedder) doubt = "embedder_policy";
  else if (coding !== "" && !decodes.has(coding)) doubt = "coding";
  return { kind, doubt, coding, charset, policies, cacheControl, age, date, expires, vary, etag, hasCookie };
}

/** Fields that say something of bytes that are no longer those: RFC 9530, RFC 3230, RFC 1864; ranges of them, and their date. */
export const OF_OTHER_BYTES: ReadonlySet<string> = new Set([
  "content-digest",
  "repr-digest",
  "digest",
  "content-md5",
  "accept-ranges",
  "last-modified",
]);
