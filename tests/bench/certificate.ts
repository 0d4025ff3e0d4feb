/** Self-signed server certificates by openssl-req(1ssl). */

/** As openssl-req(1ssl) takes them; RSA of 2,048 bits is the shortest that clients still take. */
const KEYS = { ecdsa: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], rsa: ["rsa:2048"] } as const;
export type KeyType = keyof typeof KEYS;

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Both in one, as HAProxy wants them. */
  readonly both: string;
}

/** Makes a key and its certificate in the folder. */
export async function makeCertificate(dir: string, type: KeyType): Promise<CertificateFiles> {
  const [cert, key, both] = ["crt", "key", "pem"].map((end) => `${dir}/bench.${end}`) as [string, string, string];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const { success, stderr } = await new Deno.Command("openssl", {
    args: ["req", "-x509", "-nodes", "-days", "30", "-newkey", ...KEYS[type], ...names, "-out", cert, "-keyout", key],
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) throw new Error(`openssl req: ${new TextDecoder().decode(stderr)}`);
  await Deno.writeTextFile(both, await Deno.readTextFile(cert) + await Deno.readTextFile(key), { mode: 0o600 });
  return { cert, key, both };
}
