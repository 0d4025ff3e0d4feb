/** Certificates that sign themselves: to try HTTPS with, or where every client is told to trust just this one. */
import { type KeyPair, makeCertificate } from "../secrets/certificate.ts";
import { commonNameOf } from "./host_names.ts";
import type { KeyType } from "./keys.ts";

/** What browsers accept at most. */
export const SERVER_DAYS = 397;

export interface SelfSignedOptions {
  readonly keyType: KeyType;
  readonly days?: number;
}

/** @param hosts DNS names and IP addresses, one or more @param now ms since 1970 */
export function makeSelfSigned(hosts: readonly string[], options: SelfSignedOptions, now: number): KeyPair {
  const { keyType, days = SERVER_DAYS } = options;
  const plan = { commonName: commonNameOf(hosts), days, keyType, usages: ["serverAuth"], names: hosts } as const;
  return makeCertificate(plan, undefined, now);
}
