/** Flags that the subcommands of `dlba cert` share. */
import { configFlag, offFlag } from "../flags.ts";

const text = (input: string) => input;

export interface OutFlags {
  readonly config: string;
  readonly out?: string;
  readonly force: boolean;
}

export const outFlags = {
  config: { ...configFlag, brief: "Files are made in the folder tls beside this file, which need not exist" },
  out: {
    kind: "parsed",
    parse: text,
    brief: "Where else: the path of the files without their endings, as /root/shop for /root/shop.key",
    optional: true,
    placeholder: "PATH",
  },
  force: { ...offFlag, brief: "Write over files that exist" },
} as const;

export const rsaFlag = { ...offFlag, brief: "An RSA key of 2048 bits instead of ECDSA P-256" } as const;

export const hosts = {
  kind: "array",
  parameter: {
    brief: "DNS names (also *.shop.example) and IP addresses that the certificate is for, the main one first",
    parse: text,
    placeholder: "HOST",
  },
  minimum: 1,
} as const;

export function madeText(paths: readonly string[]): string {
  return `Made:\n  ${paths.join("\n  ")}`;
}
