/** OpenSSL's command line as client and as maker of certificates: the independent witness. */

/** A certificate with its key, both PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Self-signed for the DNS names. */
export async function makePair(type: "ec" | "rsa", names: readonly string[], days = 30): Promise<Pair> {
  const dir = await Deno.makeTempDir({ prefix: "dlba-pair-" });
  const kind = type === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"];
  const subject = ["-subj", `/CN=${names[0]}`, "-addext", `subjectAltName=${names.map((name) => `DNS:${name}`)}`];
  const leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
  const files = ["-nodes", "-keyout", `${dir}/key`, "-out", `${dir}/cert`, "-days", String(days)];
  const args = ["req", "-x509", "-newkey", ...kind, ...files, ...subject, ...leaf];
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const pair = { cert: await Deno.readTextFile(`${dir}/cert`), key: await Deno.readTextFile(`${dir}/key`) };
  await Deno.remove(dir, { recursive: true });
  return pair;
}

/** `tls/<name>.crt` and `.key` for the harness. */
export function filesOf(pairs: Readonly<Record<string, Pair>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(pairs).flatMap(([name, { cert, key }]) => [[`tls/${name}.crt`, cert], [`tls/${name}.key`, key]]),
  );
}

/** What `openssl s_client` prints of a connection over which it sends `input`, errors included. */
export async function sClient(port: number, input: string, ...flags: string[]): Promise<string> {
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `127.0.0.1:${port}`, ...flags],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  const { stdout, stderr } = await child.output();
  await writer.close().catch(() => {});
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** What OpenSSL's client sends first. */
export async function clientHello(...flags: string[]): Promise<Uint8Array> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const args = ["s_client", "-connect", `127.0.0.1:${listener.addr.port}`, ...flags];
  const child = new Deno.Command("openssl", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  const connection = await listener.accept();
  const buffer = new Uint8Array(4096);
  const count = await connection.read(buffer);
  connection.close();
  listener.close();
  await child.status;
  return buffer.slice(0, count!);
}
