/** Scalar values of `dlba.yaml`: each a valibot schema that gives the form the code works with. */
import * as v from "valibot";

/** An IPv4 address as written, as "192.0.2.10". */
export const ipv4 = v.pipe(v.string(), v.check(isIpv4, "expected an IPv4 address as 192.0.2.10"));

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
}

/** An address with its prefix length. */
export interface Cidr {
  /** As "192.0.2.11". */
  readonly address: string;
  /** 1 to 32. */
  readonly prefix: number;
}

export const cidr = v.pipe(
  v.string(),
  v.check((text) => {
    const [address, prefix, rest] = text.split("/");
    return rest === undefined && isIpv4(address ?? "") && /^([1-9]|[12][0-9]|3[0-2])$/.test(prefix ?? "");
  }, "expected an IPv4 address with prefix length as 192.0.2.11/24"),
  v.transform((text): Cidr => {
    const [address, prefix] = text.split("/");
    return { address: address!, prefix: Number(prefix) };
  }),
);

/** A unicast MAC address in lower case, as "02:00:00:00:00:0b". */
export const mac = v.pipe(
  v.string(),
  v.regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, "expected a MAC address as 02:00:00:00:00:0b"),
  v.check(
    (text) => (parseInt(text.slice(0, 2), 16) & 1) === 0 && !/^00(:00){5}$/.test(text),
    "expected a unicast MAC address (the first octet even, not all zero)",
  ),
  v.toLowerCase(),
);

/** Where a socket connects to. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export const socketAddress = v.pipe(
  v.string(),
  v.check((text) => {
    const [address, port, rest] = text.split(":");
    return rest === undefined && isIpv4(address ?? "") && /^[1-9][0-9]{0,4}$/.test(port ?? "") && Number(port) <= 65535;
  }, "expected an IPv4 address with port as 10.0.0.21:8080"),
  v.transform((text): SocketAddress => {
    const [address, port] = text.split(":");
    return { address: address!, port: Number(port) };
  }),
);

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A length of time as "100ms", "5s", "5m" or "1h"; in milliseconds once read. */
export const duration = v.pipe(
  v.string(),
  v.regex(/^[1-9][0-9]{0,8}(ms|s|m|h)$/, "expected a duration as 100ms, 5s, 5m or 1h"),
  v.transform((text) => parseInt(text) * UNIT_MS[text.replace(/^[0-9]+/, "") as keyof typeof UNIT_MS]),
);
