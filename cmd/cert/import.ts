import { buildCommand } from "@stricli/core";
import { madeText, type OutFlags, outFlags } from "./flags.ts";

interface Flags extends OutFlags {
  readonly passwordFile?: string;
}

export const importCommand = buildCommand({
  loader: async () => {
    const { outPath } = await import("./out_path.ts");
    const { basename, extname } = await import("node:path");
    const { refuseExisting, writeFiles } = await import("../../core/certificates/files.ts");
    const { importPkcs12, readPkcs12File } = await import("../../core/certificates/import.ts");
    const { keyToPem } = await import("../../core/certificates/keys.ts");
    const { passwordOfFile, passwordOfTerminal } = await import("../../core/certificates/password.ts");
    const { toPem } = await import("../../core/certificates/pem.ts");
    const { printable } = await import("../../core/config/printable.ts");
    return (flags: Flags, file: string) => {
      const path = outPath(flags, basename(file, extname(file)));
      const files = [`${path}.key`, `${path}.crt`] as const;
      // Whatever forbids it is said before a password is asked for.
      const bytes = readPkcs12File(file);
      refuseExisting(files, flags.force);
      const password = flags.passwordFile === undefined
        ? passwordOfTerminal(`Password of ${printable(file)}: `)
        : passwordOfFile(flags.passwordFile);
      const { key, chain, leftOut } = importPkcs12(file, bytes, password);
      const certificates = chain.map(({ raw }) => toPem("CERTIFICATE", raw)).join("");
      writeFiles([{ path: files[0], text: keyToPem(key) }, { path: files[1], text: certificates }], flags.force);
      console.log(madeText(files));
      for (const { subject } of leftOut) {
        console.log(`Left out: ${printable(subject.replaceAll("\n", ", "))}, which is not of the chain`);
      }
    };
  },
  parameters: {
    flags: {
      ...outFlags,
      passwordFile: {
        kind: "parsed",
        parse: (input: string) => input,
        brief: "A file whose first line is the password, - for standard input; without it the terminal is asked",
        optional: true,
        placeholder: "FILE",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The PKCS#12 file", parse: (input: string) => input, placeholder: "FILE.p12" }],
    },
  },
  docs: {
    brief: "Take key and certificates out of a PKCS#12 file (.p12, .pfx)",
    fullDescription:
      "Makes FILE.key, without a password, and FILE.crt, the chain with the server's own certificate first, as the\n" +
      "config wants them under tls, certificates. Only their owner can read them.\n" +
      "\n" +
      "  dlba cert import shop.p12\n" +
      "\n" +
      "asks for the password and shows nothing of it. Files of today (AES) and of old (3DES, RC2) are read.",
  },
});
