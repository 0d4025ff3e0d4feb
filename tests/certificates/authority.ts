/** A root, an intermediate and a server's certificate, all by openssl. */
import { openssl } from "./witness.ts";

export interface ServerPlan {
  readonly type?: "ec" | "rsa";
  readonly days?: number;
  readonly name?: string;
}

/** Makes `root.crt`, `mid.crt`, `mid.key` in the folder. */
export async function makeAuthority(dir: string, midDays = 100): Promise<void> {
  const ca = ["-addext", "basicConstraints=critical,CA:TRUE"];
  await openssl(
    "req",
    "-x509",
    ...ec,
    "-keyout",
    `${dir}/root.key`,
    "-out",
    `${dir}/root.crt`,
    "-subj",
    "/CN=Root",
    ...ca,
  );
  await openssl("req", "-new", ...ec, "-keyout", `${dir}/mid.key`, "-out", `${dir}/mid.csr`, "-subj", "/CN=Mid", ...ca);
  await sign(dir, "root", "mid", midDays);
}

/** Makes `<name>.crt` and `<name>.key`, signed by the intermediate. */
export async function makeServer(
  dir: string,
  { type = "ec", days = 60, name = "shop" }: ServerPlan = {},
): Promise<void> {
  const kind = type === "ec" ? ec : ["-newkey", "rsa:2048", "-nodes"];
  const files = ["-keyout", `${dir}/${name}.key`, "-out", `${dir}/${name}.csr`];
  await openssl(
    "req",
    "-new",
    ...kind,
    ...files,
    "-subj",
    `/O=Shop/CN=${name}.example`,
    "-addext",
    `subjectAltName=DNS:${name}.example`,
  );
  await sign(dir, "mid", name, days);
}

const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

async function sign(dir: string, issuer: string, name: string, days: number): Promise<void> {
  const by = ["-CA", `${dir}/${issuer}.crt`, "-CAkey", `${dir}/${issuer}.key`, "-copy_extensions", "copyall"];
  const files = ["-in", `${dir}/${name}.csr`, "-out", `${dir}/${name}.crt`];
  await openssl(
    "x509",
    "-req",
    ...files,
    ...by,
    "-set_serial",
    String(Math.floor(Math.random() * 1e9)),
    "-days",
    String(days),
  );
}

/** What stands in the files, one behind the other. */
export async function joined(dir: string, ...names: readonly string[]): Promise<string> {
  return (await Promise.all(names.map((name) => Deno.readTextFile(`${dir}/${name}`)))).join("");
}
