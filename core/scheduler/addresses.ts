/** Addresses between their written form and the form that frames carry. */

/** Four decimal numbers without leading zeros. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
}

/** "192.0.2.10" as u32. */
export function ipToU32(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The u32 as "192.0.2.10". */
export function u32ToIp(ip: number): string {
  return [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join(".");
}

/** "02:00:00:00:00:0b" as six bytes. */
export function macToBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(":"), (octet) => parseInt(octet, 16));
}

/** Six bytes, from `at` on, as "02:00:00:00:00:0b". */
export function bytesToMac(bytes: Uint8Array, at = 0): string {
  return Array.from(bytes.subarray(at, at + 6), (octet) => octet.toString(16).padStart(2, "0")).join(":");
}

/** 16 bytes of an address as written; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). The text is known to be one. */
export function ipToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  if (!text.includes(":")) {
    bytes.set([0xff, 0xff, ...text.split(".").map(Number)], 10);
    return bytes;
  }
  const groups = (part: string) => part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const [head, tail] = text.split("::");
  const before = groups(head!), after = groups(tail ?? "");
  const view = new DataView(bytes.buffer);
  before.forEach((group, i) => view.setUint16(i * 2, group));
  after.forEach((group, i) => view.setUint16(16 - (after.length - i) * 2, group));
  return bytes;
}

/** Whether the text is an IPv6 address of groups (RFC 4291 section 2.2, forms 1 and 2). */
export function isIpv6(text: string): boolean {
  const halves = text.split("::");
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  if (!text.includes(":") || halves.length > 2 || !groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) {
    return false;
  }
  return halves.length === 2 ? groups.length < 8 : groups.length === 8;
}
