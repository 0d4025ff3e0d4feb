/** What stands for a back end in the persistence cookie: its key as a number, or what only the array can make of it. */
import { createHmac } from "node:crypto";
import type { PoolConfig } from "../config/schema.ts";
import type { ArraySecret } from "../secrets/array_secret.ts";

const LABEL = "persistence cookie";
const KEY_BYTES = 32;
/** Enough that nobody guesses one. */
const VALUE_BYTES = 16;

export interface CookieValues {
  /** Keys by value; those of a secret that was rotated are still read. */
  readonly keys: ReadonlyMap<string, number>;
  readonly values: ReadonlyMap<number, string>;
}

/** @param secret needed where the pool's values are opaque */
export function cookieValues({ back_ends, persistence }: PoolConfig, secret: ArraySecret | undefined): CookieValues {
  const keys = back_ends.map(({ key }) => key);
  if (!persistence?.opaque) return tables(keys, String);
  const { cookie } = persistence;
  const of = (secretKey: Uint8Array) => (key: number) =>
    createHmac("sha256", secretKey).update(`${cookie}=${key}`).digest().subarray(0, VALUE_BYTES).toString("base64url");
  const current = tables(keys, of(secret!.derive(LABEL, KEY_BYTES)));
  const previous = secret!.derivePrevious(LABEL, KEY_BYTES);
  if (previous === undefined) return current;
  return { values: current.values, keys: new Map([...tables(keys, of(previous)).keys, ...current.keys]) };
}

function tables(keys: readonly number[], valueOf: (key: number) => string): CookieValues {
  const pairs = keys.map((key): [number, string] => [key, valueOf(key)]);
  return { values: new Map(pairs), keys: new Map(pairs.map(([key, value]) => [value, key])) };
}
