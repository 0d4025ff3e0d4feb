import { buildCommand } from "@stricli/core";
import { hosts, madeText, type OutFlags, outFlags, rsaFlag } from "./flags.ts";

/** A certificate of more is a mistake. */
const MAX_DAYS = 36_500;

function parseDays(input: string): number {
  const days = Number(input);
  if (!/^[0-9]{1,5}$/.test(input) || days < 1 || days > MAX_DAYS) {
    throw new SyntaxError(`${input} is not a whole number from 1 to ${MAX_DAYS}`);
  }
  return days;
}

interface Flags extends OutFlags {
  readonly rsa: boolean;
  readonly days: number;
}

export const selfSigned = buildCommand({
  loader: async () => {
    const { outPath } = await import("./out_path.ts");
    const { fileNameOf, parseHosts } = await import("../../core/certificates/host_names.ts");
    const { refuseExisting, writeFiles } = await import("../../core/certificates/files.ts");
    const { makeSelfSigned } = await import("../../core/certificates/self_signed.ts");
    const { certificatePem, keyPem } = await import("../../core/secrets/certificate.ts");
    return (flags: Flags, ...texts: string[]) => {
      const names = parseHosts(texts);
      const path = outPath(flags, fileNameOf(names[0]!));
      const files = [`${path}.key`, `${path}.crt`] as const;
      // First, since a key takes a while.
      refuseExisting(files, flags.force);
      const pair = makeSelfSigned(names, { keyType: flags.rsa ? "rsa" : "ec", days: flags.days }, Date.now());
      // The certificate last: it stands for both.
      writeFiles([{ path: files[0], text: keyPem(pair) }, { path: files[1], text: certificatePem(pair) }], flags.force);
      console.log(madeText(files));
    };
  },
  parameters: {
    flags: {
      ...outFlags,
      rsa: rsaFlag,
      days: {
        kind: "parsed",
        parse: parseDays,
        brief: "How long it is valid; browsers take no more than 397",
        default: "397",
        placeholder: "DAYS",
      },
    },
    positional: hosts,
  },
  docs: {
    brief: "Make a key and a certificate that signs itself",
    fullDescription:
      "Makes HOST.key and HOST.crt, which only their owner can read, to try HTTPS with: browsers warn of such a\n" +
      "certificate, since no authority vouches for it. dlba init --self-signed HOST makes the same.\n" +
      "\n" +
      "  dlba cert self-signed shop.example www.shop.example 192.0.2.10\n" +
      "\n" +
      "then name both files in the config, under tls, certificates. Files that exist are kept unless --force is given.",
  },
});
