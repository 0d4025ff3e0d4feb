/** The static table: RFC 7541 appendix A. */
import { kindOfName } from "./field_kinds.ts";
import { FieldLines } from "./field_lines.ts";

const FIELDS: readonly (readonly [name: string, value?: string])[] = [
  [":authority"],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset"],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language"],
  ["accept-ranges"],
  ["accept"],
  ["access-control-allow-origin"],
  ["age"],
  ["allow"],
  ["authorization"],
  ["cache-control"],
  ["content-disposition"],
  ["content-encoding"],
  ["content-language"],
  ["content-length"],
  ["content-location"],
  ["content-range"],
  ["content-type"],
  ["cookie"],
  ["date"],
  ["etag"],
  ["expect"],
  ["expires"],
  ["from"],
  ["host"],
  ["if-match"],
  ["if-modified-since"],
  ["if-none-match"],
  ["if-range"],
  ["if-unmodified-since"],
  ["last-modified"],
  ["link"],
  ["location"],
  ["max-forwards"],
  ["proxy-authenticate"],
  ["proxy-authorization"],
  ["range"],
  ["referer"],
  ["refresh"],
  ["retry-after"],
  ["server"],
  ["set-cookie"],
  ["strict-transport-security"],
  ["transfer-encoding"],
  ["user-agent"],
  ["vary"],
  ["via"],
  ["www-authenticate"],
];

/** Entries; dynamic ones are numbered from the next. */
export const STATIC_ENTRIES = FIELDS.length;
/** Entry i has index i + 1. */
export const STATIC = new FieldLines(4_096, STATIC_ENTRIES);
/** The index of `:status` with that value. */
export const STATIC_STATUSES: ReadonlyMap<number, number> = new Map(
  FIELDS.flatMap(([name, value], i): [number, number][] => name === ":status" ? [[Number(value), i + 1]] : []),
);

FIELDS.forEach(([name, value = ""], i) => {
  const line = new TextEncoder().encode(`${name}: ${value}\r\n`);
  STATIC.put(i, i === 0 ? 0 : STATIC.end(i - 1), line, 0, name.length, line.length, kindOfName(line, 0, name.length));
});
