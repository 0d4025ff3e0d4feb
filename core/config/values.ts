/**
 * Scalar values of `dlba.yaml`: each a valibot schema that gives the form the code works with. A schema's message says what was
 * expected, to stand behind the word "expected".
 */
import * as v from "valibot";
import { isIpv4, isIpv6 } from "../scheduler/addresses.ts";

/** A whole number of a range, both ends included. */
export function whole(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(min, expected), v.maxValue(max, expected));
}

/** A number of a range, both ends included. */
export function number(min: number, max: number) {
  const expected = `a number from ${min} to ${max}`;
  return v.pipe(v.number(expected), v.minValue(min, expected), v.maxValue(max, expected));
}

/** One of some words or numbers. */
export function oneOf<const T extends readonly (string | number)[]>(words: T) {
  return v.picklist(words, words.join(" or "));
}

/** Text of a form. */
export function text(form: RegExp, expected: string) {
  return v.pipe(v.string(expected), v.regex(form, expected));
}

export const yesNo = v.boolean("true or false");
export const path = text(/./, "a path");
export const port = whole(1, 65_535);
export const weight = whole(0, 256);
export const name = text(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "1 to 63 characters of a-z, 0-9 and inner -");
/** RFC 6265 section 4.1.1. */
export const cookieName = text(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/, "a cookie name of at most 64 characters");

/** Whether one machine can have the address: RFC 1122 section 3.2.1.3, RFC 1112 section 4. */
export function isUnicast(address: string): boolean {
  const first = parseInt(address);
  return first > 0 && first < 224;
}

/** A host name in lower case or an IPv4 address. RFC 1123 section 2.1: the last label of a name is no number. */
export function isHost(text: string): boolean {
  const labels = text.split(".");
  const isName = text.length <= 253 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) &&
    !/^[0-9]+$/.test(labels.at(-1)!);
  return isName || isIpv4(text);
}

export const host = v.pipe(
  v.string("a host name in lower case or an IPv4 address"),
  v.check(isHost, "a host name in lower case or an IPv4 address"),
);

const HOST_PATTERN = "a host name in lower case, an IPv4 address, or *. and a domain";

export const hostPattern = v.pipe(
  v.string(HOST_PATTERN),
  v.check(
    (text) => isHost(text.replace(/^\*\./, "")) && !(text.startsWith("*.") && isIpv4(text.slice(2))),
    HOST_PATTERN,
  ),
);

/** RFC 9110 section 5.1; in lower case once read. */
export const fieldName = v.pipe(
  text(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/, "a field name of at most 64 characters"),
  v.toLowerCase(),
);

/** What the proxy itself writes, or what ends at it (RFC 9110 section 7.6.1). */
const OURS =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|proxy-connection|te|trailer|upgrade|expect|cookie|set-cookie|forwarded|x-forwarded-.*|x-real-ip|x-client-cert-.*)$/;

/** A field that the operator may write. */
export const freeFieldName = v.pipe(
  fieldName,
  v.check((name) => !OURS.test(name), "a field that is not the proxy's own to write"),
);

/** RFC 9110 section 5.5, in ASCII. */
export const fieldValue = text(/^[!-~]([\t -~]{0,1022}[!-~])?$/, "a field value of at most 1024 characters of ASCII");

/** What Linux and nft(8) both take as the name of an interface. */
export const interfaceName = v.pipe(
  text(/^[A-Za-z0-9._@-]{1,15}$/, "an interface name of at most 15 characters of A-Z, a-z, 0-9, ., _, @ and -"),
  // A folder of /sys/class/net cannot have these names.
  v.notValues([".", ".."], "an interface name other than . and .."),
);

/** An IPv4 address as written. */
export const ipv4 = v.pipe(
  v.string("an IPv4 address as 192.0.2.10"),
  v.check(isIpv4, "an IPv4 address as 192.0.2.10"),
);

const IP = "an IP address as 192.0.2.10 or 2001:db8::10";

export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** An IPv4 or IPv6 address; IPv6 in its canonical form (RFC 5952) once read. */
export const ip = v.pipe(
  v.string(IP),
  v.check(isIp, IP),
  v.transform((text) => isIpv4(text) ? text : new URL(`http://[${text}]`).hostname.slice(1, -1)),
);

/** An address with its prefix length. */
export interface Cidr {
  /** As "192.0.2.11". */
  readonly address: string;
  /** 1 to 32. */
  readonly prefix: number;
}

const CIDR = "an IPv4 address with prefix length as 192.0.2.11/24";

export const cidr = v.pipe(
  v.string(CIDR),
  v.check((text) => {
    const [address, prefix, rest] = text.split("/");
    return rest === undefined && isIpv4(address ?? "") && /^([1-9]|[12][0-9]|3[0-2])$/.test(prefix ?? "");
  }, CIDR),
  v.transform((text): Cidr => {
    const [address, prefix] = text.split("/");
    return { address: address!, prefix: Number(prefix) };
  }),
);

const MAC = "a unicast MAC address as 02:00:00:00:00:0b";

/** A unicast MAC address, in lower case once read. */
export const mac = v.pipe(
  v.string(MAC),
  v.regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, MAC),
  // An odd first octet is a group's.
  v.check((text) => (parseInt(text.slice(0, 2), 16) & 1) === 0 && !/^00(:00){5}$/.test(text), MAC),
  v.toLowerCase(),
);

/** Where a socket connects to. */
export interface SocketAddress {
  /** IPv4, or a name that is resolved. */
  readonly address: string;
  readonly port: number;
}

const SOCKET_ADDRESS = "an IPv4 address or a name with port as 10.0.0.21:8080";

export const socketAddress = v.pipe(
  v.string(SOCKET_ADDRESS),
  v.check((text) => {
    const [address, port, rest] = text.split(":");
    return rest === undefined && isHost(address ?? "") && /^[1-9][0-9]{0,4}$/.test(port ?? "") && Number(port) <= 65535;
  }, SOCKET_ADDRESS),
  v.check(
    (text) => !isIpv4(text.split(":", 1)[0]!) || isUnicast(text),
    "a unicast IPv4 address or a name with port as 10.0.0.21:8080",
  ),
  v.transform((text): SocketAddress => {
    const [address, port] = text.split(":");
    return { address: address!, port: Number(port) };
  }),
);

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const DURATION = "a duration as 100ms, 5s, 5m or 1h, at most 24h";
const DAY_MS = 86_400_000;

function durationMs(text: string): number {
  return parseInt(text) * UNIT_MS[text.replace(/^[0-9]+/, "") as keyof typeof UNIT_MS];
}

/** A length of time; milliseconds once read. */
export const duration = v.pipe(
  v.string(DURATION),
  v.regex(/^[1-9][0-9]{0,8}(ms|s|m|h)$/, DURATION),
  v.check((text) => !(durationMs(text) > DAY_MS), DURATION),
  v.transform(durationMs),
);

/** How often a machine is asked at most: more would be a flood. */
const LEAST_INTERVAL_MS = 10;

/** A pause between two of something that is sent. */
export const interval = v.pipe(duration, v.minValue(LEAST_INTERVAL_MS, `${LEAST_INTERVAL_MS}ms or more`));

/** The same, or 0s. */
export const durationOrZero = v.union([v.pipe(v.literal("0s"), v.transform(() => 0)), duration], `0s or ${DURATION}`);
