/** The fields that a proxy treats apart, by number. */

/** Any name that is not among the others. */
export const OTHER = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const KEEP_ALIVE = 5;
export const PROXY_CONNECTION = 6;
export const TE = 7;
export const UPGRADE = 8;
export const COOKIE = 9;
export const SET_COOKIE = 10;
export const EXPECT = 11;
export const CACHE_CONTROL = 12;
/** About the client: only we may state it. */
export const CLIENT_IDENTITY = 13;
/** Instructions to caches on the way: RFC 9213. */
export const TARGETED_CACHE_CONTROL = 14;
/** What a trailer section may not hold: RFC 9110 section 6.5.1. */
export const NOT_IN_TRAILERS = 15;
/** Of {@linkcode CLIENT_IDENTITY}, those that a trusted proxy before us may state. */
export const FORWARDED_FOR = 16;
export const FORWARDED_PROTO = 17;
export const FORWARDED_HOST = 18;
export const FORWARDED = 19;
/** Further ones that nobody but a trusted proxy may state, and that say nothing to us. */
export const FORWARDED_MORE = 20;
const LAST = FORWARDED_MORE;

/** Applications ask these whether a request came by HTTPS, and where to. */
const FORWARDED_MORE_NAMES = ["x-forwarded-port", "x-forwarded-ssl", "x-forwarded-scheme", "x-forwarded-server"];

const NUMBERS: readonly (readonly [name: string, number: number])[] = [
  ["host", HOST],
  ["content-length", CONTENT_LENGTH],
  ["transfer-encoding", TRANSFER_ENCODING],
  ["connection", CONNECTION],
  ["keep-alive", KEEP_ALIVE],
  ["proxy-connection", PROXY_CONNECTION],
  ["te", TE],
  ["upgrade", UPGRADE],
  ["cookie", COOKIE],
  ["set-cookie", SET_COOKIE],
  ["expect", EXPECT],
  ["cache-control", CACHE_CONTROL],
  ["forwarded", FORWARDED],
  ["x-forwarded-for", FORWARDED_FOR],
  ["x-forwarded-proto", FORWARDED_PROTO],
  ["x-forwarded-host", FORWARDED_HOST],
  ...foldings("x-forwarded-for").slice(1),
  ...foldings("x-forwarded-proto").slice(1),
  ...foldings("x-forwarded-host").slice(1),
  ...FORWARDED_MORE_NAMES.flatMap((name): [name: string, number: number][] => [
    [name, FORWARDED_MORE],
    ...foldings(name).slice(1),
  ]),
  ...foldings("x-real-ip"),
  ...foldings("x-client-cert-subject"),
  ...foldings("x-client-cert-fingerprint"),
  ...foldings("x-client-cert-verify"),
  ["cdn-cache-control", TARGETED_CACHE_CONTROL],
  ["surrogate-control", TARGETED_CACHE_CONTROL],
  ["trailer", NOT_IN_TRAILERS],
  ["content-encoding", NOT_IN_TRAILERS],
  ["content-type", NOT_IN_TRAILERS],
  ["content-range", NOT_IN_TRAILERS],
  ["authorization", NOT_IN_TRAILERS],
  ["proxy-authorization", NOT_IN_TRAILERS],
  ["www-authenticate", NOT_IN_TRAILERS],
  ["max-forwards", NOT_IN_TRAILERS],
  ["range", NOT_IN_TRAILERS],
  ["if-match", NOT_IN_TRAILERS],
  ["if-none-match", NOT_IN_TRAILERS],
  ["if-modified-since", NOT_IN_TRAILERS],
  ["if-unmodified-since", NOT_IN_TRAILERS],
  ["if-range", NOT_IN_TRAILERS],
  ["age", NOT_IN_TRAILERS],
  ["date", NOT_IN_TRAILERS],
  ["expires", NOT_IN_TRAILERS],
  ["location", NOT_IN_TRAILERS],
  ["retry-after", NOT_IN_TRAILERS],
  ["vary", NOT_IN_TRAILERS],
];

/** A name with "_" in place of any "-" too: back ends that make variables of names cannot tell the two apart. */
function foldings(name: string): [name: string, number: number][] {
  const names = name.split("-").reduce<string[]>(
    (done, part) => done.length === 0 ? [part] : done.flatMap((start) => [`${start}-${part}`, `${start}_${part}`]),
    [],
  );
  return names.map((folded) => [folded, CLIENT_IDENTITY]);
}

/** "cookie: " for {@linkcode COOKIE}: how a field begins that we write ourselves. Of a number with several names the first. */
export const FIELD_STARTS: readonly string[] = Array.from(
  { length: LAST + 1 },
  (_, wanted) => `${NUMBERS.find(([, number]) => number === wanted)?.[0]}: `,
);

/** A hash that grows by a byte at a time, for {@linkcode fieldNumber}: begins with 0. */
export function hashByte(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

/** Open addressing; a seventh full, so that a probe seldom goes on. */
const SLOTS = 512;
const entryOfSlot = new Int8Array(SLOTS).fill(-1);
const hashes = new Int32Array(NUMBERS.length);
const numbers = new Uint8Array(NUMBERS.length);
const names = NUMBERS.map(([name]) => new TextEncoder().encode(name));
NUMBERS.forEach(([, number], entry) => {
  const hash = names[entry]!.reduce(hashByte, 0);
  let slot = hash & (SLOTS - 1);
  while (entryOfSlot[slot]! >= 0) slot = (slot + 1) & (SLOTS - 1);
  entryOfSlot[slot] = entry;
  hashes[entry] = hash;
  numbers[entry] = number;
});

/** The number of the lower-case name that stands from `start` to `end` and has that hash. */
export function fieldNumber(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let slot = hash & (SLOTS - 1);
  for (let entry = entryOfSlot[slot]!; entry >= 0; entry = entryOfSlot[slot]!) {
    // Bytes decide, not the hash: a client can choose a name that hashes to another's.
    if (hashes[entry] === hash && isSame(bytes, start, end, names[entry]!)) return numbers[entry]!;
    slot = (slot + 1) & (SLOTS - 1);
  }
  return OTHER;
}

function isSame(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}
