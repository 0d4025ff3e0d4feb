/**
 * What a CDN's DNS is told about a client, as a label before its name (seed, "Speederizing Content"): `c-<hash>-<net>`. `net` is the
 * client's network, never its address: `192-0-2` for 192.0.2.0/24, `2001-db8-7` for 2001:db8:7::/48, or the name of its region. `hash`
 * is FNV-1a of it in 8 hex digits, which spreads names whose ends look alike and tells a label from another name.
 */
import { isIPv4 } from "node:net";
import { HASH_START, hashByte } from "./placement.ts";

/** A network and the region that it is in. */
export interface Region {
  readonly net: string;
  readonly region: string;
}

export function labelOf(net: string): string {
  let hash = HASH_START;
  for (let i = 0; i < net.length; i++) hash = hashByte(hash, net.charCodeAt(i));
  return `c-${(hash >>> 0).toString(16).padStart(8, "0")}-${net}`;
}

/** The network or region of a label; undefined for what is none. */
export function netOfLabel(label: string): string | undefined {
  const net = /^c-[0-9a-f]{8}-(.+)$/.exec(label)?.[1];
  return net !== undefined && labelOf(net) === label ? net : undefined;
}

/** The label of a client by its network. */
export function networkLabel(address: string): string {
  if (isIPv4(address)) return labelOf(address.split(".").slice(0, 3).join("-"));
  return labelOf(hextets(address).slice(0, 3).map((part) => part.toString(16)).join("-"));
}

/** The label of a client by the longest network that holds it; its own network where none does. */
export function regionLabel(address: string, regions: readonly Region[]): string {
  const bits = bitsOf(address);
  let best: Region | undefined;
  let longest = -1;
  for (const region of regions) {
    const [net = "", prefix = "0"] = region.net.split("/");
    const length = Number(prefix);
    if (net.includes(":") !== address.includes(":") || length <= longest) continue;
    if (bitsOf(net).slice(0, length) !== bits.slice(0, length)) continue;
    best = region;
    longest = length;
  }
  return best ? labelOf(best.region) : networkLabel(address);
}

function bitsOf(address: string): string {
  const [parts, width] = isIPv4(address) ? [address.split(".").map(Number), 8] : [hextets(address), 16];
  return parts.map((part) => part.toString(2).padStart(width, "0")).join("");
}

/** The eight groups of an IPv6 address. */
function hextets(address: string): number[] {
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const parse = (text: string) => text === "" ? [] : text.split(":").map((part) => parseInt(part, 16));
  if (tail === undefined) return parse(head);
  const [before, after] = [parse(head), parse(tail)];
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
