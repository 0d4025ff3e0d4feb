/** What is scheduled, from the config: the array's VIP with its HTTP ports, and further services. */
import type { Config } from "../config/schema.ts";

export interface Service {
  /** As written. */
  readonly vip: string;
  readonly protocol: "tcp" | "udp";
  readonly ports: readonly number[];
}

export function servicesOf({ array, services }: Config): Service[] {
  return [{ vip: array.vip, protocol: "tcp", ports: [array.ports.http, array.ports.https] }, ...services];
}

/** Each once, the array's own first. */
export function vipsOf(config: Config): string[] {
  return [...new Set(servicesOf(config).map((service) => service.vip))];
}
