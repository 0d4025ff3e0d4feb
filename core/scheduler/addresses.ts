/** Addresses between their written form and the form that frames carry. */

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
