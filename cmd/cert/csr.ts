import { buildCommand } from "@stricli/core";
import { hosts, madeText, type OutFlags, outFlags, rsaFlag } from "./flags.ts";

interface Flags extends OutFlags {
  readonly rsa: boolean;
  readonly key?: string;
}

export const csr = buildCommand({
  loader: async () => {
    const { outPath } = await import("./out_path.ts");
    const { fileNameOf, parseHosts } = await import("../../core/certificates/host_names.ts");
    const { readKey, refuseExisting, writeFiles } = await import("../../core/certificates/files.ts");
    const { keyToPem, makeKey } = await import("../../core/certificates/keys.ts");
    const { makeRequest } = await import("../../core/certificates/request.ts");
    const { UsageError } = await import("../../core/errors.ts");
    return (flags: Flags, ...texts: string[]) => {
      if (flags.rsa && flags.key !== undefined) throw new UsageError("Say one of --rsa and --key");
      const names = parseHosts(texts);
      const path = outPath(flags, fileNameOf(names[0]!));
      const files = [...(flags.key === undefined ? [`${path}.key`] : []), `${path}.csr`];
      refuseExisting(files, flags.force);
      const key = flags.key === undefined ? makeKey(flags.rsa ? "rsa" : "ec") : readKey(flags.key);
      if (!["ec", "rsa"].includes(key.asymmetricKeyType!)) {
        throw new UsageError(`Cannot use the key ${flags.key}: neither ECDSA nor RSA`);
      }
      const request = makeRequest(names, key);
      const written = files.map((file) => ({ path: file, text: file.endsWith(".key") ? keyToPem(key) : request }));
      writeFiles(written, flags.force);
      console.log(madeText(files));
      console.log(
        `Send ${path}.csr to a certificate authority; what it answers belongs into ${path}.crt, beside the key`,
      );
    };
  },
  parameters: {
    flags: {
      ...outFlags,
      rsa: rsaFlag,
      key: {
        kind: "parsed",
        parse: (input: string) => input,
        brief: "Ask for a certificate of this key instead of a new one: a PEM file without password",
        optional: true,
        placeholder: "FILE",
      },
    },
    positional: hosts,
  },
  docs: {
    brief: "Make a key and a request to have it certified by an authority",
    fullDescription:
      "Makes HOST.key, which only its owner can read and which nobody else needs, and HOST.csr (PKCS#10, PEM), which\n" +
      "goes to a certificate authority.\n" +
      "\n" +
      "  dlba cert csr shop.example www.shop.example\n" +
      "\n" +
      "To renew while the old pair serves on, keep its key by --key tls/shop.example.key, or make the new pair elsewhere\n" +
      "by --out and move both files when the certificate has come: dlba serve takes new files by itself.",
  },
});
