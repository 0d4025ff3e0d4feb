/** A CA by OpenSSL's command line, which signs for tests. */
import { delay } from "../../core/delay.ts";
import type { Pair } from "./openssl.ts";

export interface SignOptions {
  readonly days?: number;
  /** Lines of an extension file. */
  readonly extensions?: readonly string[];
  /** As `/O=Shop/CN=alice`; by default the first name as CN. */
  readonly subject?: string;
  /** As `openssl req -newkey` takes it. */
  readonly kind?: readonly string[];
}

const FIRST_SERIAL = 0x1000;
const P256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

export class TestAuthority {
  #serial = FIRST_SERIAL;

  private constructor(readonly dir: string, readonly cert: string) {}

  static async make(name = "Test CA"): Promise<TestAuthority> {
    const dir = await Deno.makeTempDir({ prefix: "dlba-ca-" });
    const extension = [
      "-addext",
      "basicConstraints=critical,CA:TRUE",
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
    ];
    const kind = ["-newkey", ...P256, "-nodes"];
    const files = ["-keyout", `${dir}/ca.key`, "-out", `${dir}/ca.crt`];
    await openssl("req", "-x509", ...kind, ...files, "-days", "30", "-subj", `/CN=${name}`, ...extension);
    return new TestAuthority(dir, await Deno.readTextFile(`${dir}/ca.crt`));
  }

  /** A certificate for DNS names and IPv4 addresses, with its key. */
  async sign(names: readonly string[], options: SignOptions = {}): Promise<Pair & { readonly serial: string }> {
    const { days = 30, extensions = [], subject = `/CN=${names[0]}`, kind = P256 } = options;
    const serial = (this.#serial++).toString(16).toUpperCase();
    const base = `${this.dir}/${serial}`;
    const alternatives = names.map((name) => `${/^[0-9.]+$/.test(name) ? "IP" : "DNS"}:${name}`).join(",");
    const lines = [...(names.length > 0 ? [`subjectAltName=${alternatives}`] : []), "basicConstraints=CA:FALSE"];
    await Deno.writeTextFile(`${base}.ext`, [...lines, ...extensions].join("\n"));
    await openssl(
      "req",
      "-newkey",
      ...kind,
      "-nodes",
      "-utf8",
      "-keyout",
      `${base}.key`,
      "-out",
      `${base}.csr`,
      "-subj",
      subject,
    );
    const authority = ["-CA", `${this.dir}/ca.crt`, "-CAkey", `${this.dir}/ca.key`, "-set_serial", `0x${serial}`];
    const files = ["-in", `${base}.csr`, "-out", `${base}.crt`, "-extfile", `${base}.ext`];
    await openssl("x509", "-req", ...files, ...authority, "-days", String(days));
    const [cert, key] = await Promise.all([Deno.readTextFile(`${base}.crt`), Deno.readTextFile(`${base}.key`)]);
    return { cert, key, serial };
  }

  /** `index.txt` of `openssl ocsp`, in which every certificate is good but those. */
  async #index(revoked: readonly string[]): Promise<string> {
    const lines = Array.from({ length: this.#serial - FIRST_SERIAL }, (_, i) => {
      const serial = (FIRST_SERIAL + i).toString(16).toUpperCase();
      const state = revoked.includes(serial) ? "R\t391231235959Z\t250101000000Z" : "V\t391231235959Z\t";
      return `${state}\t${serial}\tunknown\t/CN=${serial}\n`;
    });
    await Deno.writeTextFile(`${this.dir}/index.txt`, lines.join(""));
    return `${this.dir}/index.txt`;
  }

  /** The OCSP response about a certificate of that serial number, in DER, valid for an hour. */
  async ocsp(
    serial: string,
    options: { readonly revoked?: readonly string[]; readonly digest?: string; readonly signer?: TestAuthority } = {},
  ) {
    const out = `${this.dir}/${serial}.der`;
    const { dir } = options.signer ?? this;
    const signer = ["-rsigner", `${dir}/ca.crt`, "-rkey", `${dir}/ca.key`, "-CA", `${this.dir}/ca.crt`];
    const question = [
      `-${options.digest ?? "sha1"}`,
      "-issuer",
      `${this.dir}/ca.crt`,
      "-cert",
      `${this.dir}/${serial}.crt`,
    ];
    const index = await this.#index(options.revoked ?? []);
    await openssl("ocsp", "-index", index, ...signer, ...question, "-nmin", "60", "-respout", out);
    return await Deno.readFile(out);
  }

  /** PEM list of revoked certificates, valid for so many days. */
  async crl(revoked: readonly string[], days = 1): Promise<string> {
    const base = `${this.dir}/crl`;
    const index = await this.#index(revoked);
    const section = `database = ${index}\ndefault_md = sha256\n`;
    await Deno.writeTextFile(`${base}.cnf`, `[ca]\ndefault_ca = this\n[this]\n${section}`);
    await Deno.writeTextFile(`${this.dir}/index.txt.attr`, "unique_subject = no\n");
    const signer = ["-cert", `${this.dir}/ca.crt`, "-keyfile", `${this.dir}/ca.key`];
    const until = new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
    await openssl("ca", "-gencrl", "-config", `${base}.cnf`, ...signer, "-crl_nextupdate", until, "-out", base);
    return await Deno.readTextFile(base);
  }

  /** `openssl ocsp` as a responder on that port. */
  async responder(port: number): Promise<Deno.ChildProcess> {
    const signer = ["-rsigner", `${this.dir}/ca.crt`, "-rkey", `${this.dir}/ca.key`, "-CA", `${this.dir}/ca.crt`];
    const args = ["ocsp", "-index", await this.#index([]), ...signer, "-port", String(port), "-nmin", "60"];
    const child = new Deno.Command("openssl", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    while (!isListening(port)) await delay(20);
    return child;
  }

  async remove(): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Not by a connection: `openssl ocsp` serves one at a time, and would wait for a request. State 0A is TCP_LISTEN: proc(5). */
function isListening(port: number): boolean {
  const digits = port.toString(16).toUpperCase().padStart(4, "0");
  const listening = new RegExp(`^ *\\d+: [0-9A-F]+:${digits} [0-9A-F]+:0000 0A `, "m");
  return ["tcp", "tcp6"].some((table) => listening.test(Deno.readTextFileSync(`/proc/net/${table}`)));
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
