/** Where made files go. */
import { besideConfig } from "../../core/config/paths.ts";
import type { OutFlags } from "./flags.ts";

/** The path of the files, without endings. */
export function outPath({ config, out }: OutFlags, name: string): string {
  // Who names a file by habit means the same.
  return out?.replace(/\.(key|crt|csr)$/, "") ?? besideConfig(config, `tls/${name}`);
}
