import { besideConfig } from "../config/paths.ts";
import type { Config } from "../config/schema.ts";
import { ArraySecret } from "../secrets/array_secret.ts";

/** Key of the array's hash, 16 bytes; undefined where buckets go by the seed's sum. Throws UsageError without the array secret. */
export function hashKeyOf({ scheduler, array }: Config, configFile: string): Uint8Array | undefined {
  if (scheduler.hash === "modulo") return undefined;
  return ArraySecret.load(besideConfig(configFile, `${array.secrets}/array.key`)).derive("bucket hash", 16);
}
