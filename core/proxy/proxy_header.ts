/** The PROXY protocol, versions 1 and 2: whom a connection is for, before its first byte. HAProxy's doc/proxy-protocol.txt. Pure. */
import { isIp } from "../config/values.ts";
import { isIpv4 } from "../scheduler/addresses.ts";

/** "\r\n\r\n\0\r\nQUIT\n" */
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V2_HEAD = 16;
/** The longest line of version 1, its CR LF included. */
const V1_MOST = 107;
/** A header of version 2 with as many TLVs as anybody sends; the length field allows more. */
export const HEADER_MOST = 4_096;
const IPV4_BYTES = 12;
const IPV6_BYTES = 36;
const STREAM_OVER_IPV4 = 0x11;
const STREAM_OVER_IPV6 = 0x21;
const LOCAL = 0x20;
const PROXY = 0x21;
const CR = 13;
const LF = 10;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface ProxyHeader {
  /** Its bytes. */
  readonly length: number;
  /** Undefined where the proxy speaks for itself, as in a check, or does not say. */
  readonly source: Endpoint | undefined;
}

export const MORE = "more";
export const BAD = "bad";

/** Reads the header at the start of the bytes; {@linkcode MORE} where they end within it. Either version. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | typeof MORE | typeof BAD {
  if (bytes.length === 0) return MORE;
  if (bytes[0] === SIGNATURE[0]) return readV2(bytes);
  return readV1(bytes);
}

function readV1(bytes: Uint8Array): ProxyHeader | typeof MORE | typeof BAD {
  const start = "PROXY ";
  for (let i = 0; i < Math.min(start.length, bytes.length); i++) if (bytes[i] !== start.charCodeAt(i)) return BAD;
  const end = bytes.indexOf(LF);
  if (end < 0) return bytes.length >= V1_MOST ? BAD : MORE;
  if (end >= V1_MOST || bytes[end - 1] !== CR) return BAD;
  const line = String.fromCharCode(...bytes.subarray(0, end - 1));
  const length = end + 1;
  if (/^PROXY UNKNOWN(?: [!-~ ]*)?$/.test(line)) return { length, source: undefined };
  const [, family, source, destination, port, toPort] =
    /^PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})$/.exec(line) ?? [];
  if (family === undefined) return BAD;
  const isOfFamily = (address: string) => family === "TCP4" ? isIpv4(address) : isIpv6(address);
  if (!isOfFamily(source!) || !isOfFamily(destination!) || Number(port) > 65_535 || Number(toPort) > 65_535) return BAD;
  return { length, source: { address: canonical(source!), port: Number(port) } };
}

function readV2(bytes: Uint8Array): ProxyHeader | typeof MORE | typeof BAD {
  for (let i = 0; i < Math.min(SIGNATURE.length, bytes.length); i++) if (bytes[i] !== SIGNATURE[i]) return BAD;
  if (bytes.length < V2_HEAD) return MORE;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const command = bytes[12]!;
  const family = bytes[13]!;
  const length = V2_HEAD + view.getUint16(14);
  if ((command !== LOCAL && command !== PROXY) || length > HEADER_MOST) return BAD;
  if (bytes.length < length) return MORE;
  if (command === LOCAL) return { length, source: undefined };
  if (family === STREAM_OVER_IPV4 && length >= V2_HEAD + IPV4_BYTES) {
    const address = bytes.subarray(V2_HEAD, V2_HEAD + 4).join(".");
    return { length, source: { address, port: view.getUint16(V2_HEAD + 8) } };
  }
  if (family === STREAM_OVER_IPV6 && length >= V2_HEAD + IPV6_BYTES) {
    const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(V2_HEAD + 2 * i).toString(16));
    return { length, source: { address: canonical(groups.join(":")), port: view.getUint16(V2_HEAD + 32) } };
  }
  // Unix sockets, datagrams, nothing: we accept TCP, and take the proxy for the client as the protocol says.
  return family === STREAM_OVER_IPV4 || family === STREAM_OVER_IPV6 ? BAD : { length, source: undefined };
}

/** With the last 32 bits as IPv4 too: RFC 4291 section 2.2. */
function isIpv6(address: string): boolean {
  const [, before, last] = /^(.*:)([0-9.]+)$/.exec(address) ?? [];
  return isIp(last !== undefined && isIpv4(last) ? `${before}0:0` : address) && !isIpv4(address);
}

/** RFC 5952; an IPv4 address in IPv6 as IPv4. */
function canonical(address: string): string {
  if (isIpv4(address)) return address;
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text) ?? [];
  if (high === undefined) return text;
  const [one, other] = [parseInt(high, 16), parseInt(low!, 16)];
  return [one >> 8, one & 255, other >> 8, other & 255].join(".");
}

/** The header for a back end. Of two families the client's cannot be said: it is left unknown. */
export function writeProxyHeader(
  version: "v1" | "v2",
  source: Endpoint,
  destination: Endpoint,
): Uint8Array<ArrayBuffer> {
  const isKnown = isIpv4(source.address) && isIpv4(destination.address);
  if (version === "v1") {
    const line = isKnown
      ? `PROXY TCP4 ${source.address} ${destination.address} ${source.port} ${destination.port}\r\n`
      : "PROXY UNKNOWN\r\n";
    return new TextEncoder().encode(line);
  }
  const bytes = new Uint8Array(V2_HEAD + (isKnown ? IPV4_BYTES : 0));
  const view = new DataView(bytes.buffer);
  bytes.set(SIGNATURE);
  bytes[12] = isKnown ? PROXY : LOCAL;
  bytes[13] = isKnown ? STREAM_OVER_IPV4 : 0;
  view.setUint16(14, bytes.length - V2_HEAD);
  if (!isKnown) return bytes;
  bytes.set(source.address.split(".").map(Number), V2_HEAD);
  bytes.set(destination.address.split(".").map(Number), V2_HEAD + 4);
  view.setUint16(V2_HEAD + 8, source.port);
  view.setUint16(V2_HEAD + 10, destination.port);
  return bytes;
}
