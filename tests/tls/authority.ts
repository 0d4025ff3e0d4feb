/** A CA by OpenSSL's command line, which signs for tests. */
import type { Pair } from "./openssl.ts";

export interface SignOptions {
  readonly days?: number;
  /** Lines of an extension file. */
  readonly extensions?: readonly string[];
  /** As `/O=Shop/CN=alice`; by default the first name as CN. */
  readonly subject?: string;
}

export class TestAuthority {
  #serial = 0x1000;

  private constructor(readonly dir: string, readonly cert: string) {}

  static async make(name = "Test CA"): Promise<TestAuthority> {
    const dir = await Deno.makeTempDir({ prefix: "dlba-ca-" });
    const extension = [
      "-addext",
      "basicConstraints=critical,CA:TRUE",
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
    ];
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const files = ["-keyout", `${dir}/ca.key`, "-out", `${dir}/ca.crt`];
    await openssl("req", "-x509", ...kind, ...files, "-days", "30", "-subj", `/CN=${name}`, ...extension);
    return new TestAuthority(dir, await Deno.readTextFile(`${dir}/ca.crt`));
  }

  /** A certificate for DNS names and IPv4 addresses, with its key. */
  async sign(names: readonly string[], options: SignOptions = {}): Promise<Pair & { readonly serial: string }> {
    const { days = 30, extensions = [], subject = `/CN=${names[0]}` } = options;
    const serial = (this.#serial++).toString(16).toUpperCase();
    const base = `${this.dir}/${serial}`;
    const alternatives = names.map((name) => `${/^[0-9.]+$/.test(name) ? "IP" : "DNS"}:${name}`).join(",");
    const lines = [...(names.length > 0 ? [`subjectAltName=${alternatives}`] : []), "basicConstraints=CA:FALSE"];
    await Deno.writeTextFile(`${base}.ext`, [...lines, ...extensions].join("\n"));
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"];
    await openssl("req", ...kind, "-keyout", `${base}.key`, "-out", `${base}.csr`, "-subj", subject);
    const authority = ["-CA", `${this.dir}/ca.crt`, "-CAkey", `${this.dir}/ca.key`, "-set_serial", `0x${serial}`];
    const files = ["-in", `${base}.csr`, "-out", `${base}.crt`, "-extfile", `${base}.ext`];
    await openssl("x509", "-req", ...files, ...authority, "-days", String(days));
    const [cert, key] = await Promise.all([Deno.readTextFile(`${base}.crt`), Deno.readTextFile(`${base}.key`)]);
    return { cert, key, serial };
  }

  async remove(): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
