/** A token of SoftHSM2 with keys and their certificates, made by tools that are not ours. */

import { missingPackages } from "../../core/lab/requirements.ts";

const PACKAGES = ["softhsm2", "opensc", "libengine-pkcs11-openssl", "gcc"];
/** What a test with a token lacks here: it is ignored then. `deno task test` as root installs it. */
export const lacksToken = missingPackages("test").some((name) => PACKAGES.includes(name));

/** Debian's softhsm2. */
export const SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so";
const LABEL = "dlba";
export const PIN = "47110815";

const KINDS = { ec: "EC:prime256v1", rsa: "rsa:2048" } as const;
export type KeyKind = keyof typeof KINDS;

async function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], env, stdin: "null" }).output();
  const text = () => new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text()}`);
}

export function keyUri(object: string): string {
  return `pkcs11:token=${LABEL};object=${object};type=private`;
}

export class SoftHsm {
  private constructor(readonly dir: string) {}

  /** An empty token. SoftHSM of this process and of those that it starts looks there from now on. */
  static async create(): Promise<SoftHsm> {
    const dir = await Deno.makeTempDir({ prefix: "dlba-hsm-" });
    await Deno.mkdir(`${dir}/tokens`);
    const config = `directories.tokendir = ${dir}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n`;
    await Deno.writeTextFile(`${dir}/softhsm2.conf`, config);
    Deno.env.set("SOFTHSM2_CONF", `${dir}/softhsm2.conf`);
    await run("softhsm2-util", ["--init-token", "--free", "--label", LABEL, "--so-pin", "87654321", "--pin", PIN]);
    await Deno.writeTextFile(`${dir}/pin`, `${PIN}\n`, { mode: 0o600 });
    return new SoftHsm(dir);
  }

  /** Makes a key in the token and a self-signed certificate for `names`; returns its PEM. */
  async makeKey(object: string, kind: KeyKind, names: readonly string[]): Promise<string> {
    const login = ["--module", SOFTHSM, "--login", "--pin", PIN, "--token-label", LABEL];
    const id = Array.from(new TextEncoder().encode(object), (byte) => byte.toString(16)).join("");
    await run("pkcs11-tool", [...login, "--keypairgen", "--key-type", KINDS[kind], "--label", object, "--id", id]);
    return await this.makeCertificate(object, names);
  }

  /** Puts a key into the token that was made elsewhere, PKCS#8 in PEM. */
  async importKey(object: string, pem: string): Promise<void> {
    const id = Array.from(new TextEncoder().encode(object), (byte) => byte.toString(16)).join("");
    await Deno.writeTextFile(`${this.dir}/import.key`, pem);
    const login = ["--token", LABEL, "--pin", PIN];
    await run("softhsm2-util", ["--import", `${this.dir}/import.key`, ...login, "--label", object, "--id", id]);
  }

  /** Another certificate for a key that is there; returns its PEM. */
  async makeCertificate(object: string, names: readonly string[]): Promise<string> {
    const engine = `[engine]\nengine_id = pkcs11\nMODULE_PATH = ${SOFTHSM}\nPIN = ${PIN}\ninit = 1\n`;
    const config = `openssl_conf = all\n[all]\nengines = engines\n[engines]\npkcs11 = engine\n${engine}` +
      "[req]\ndistinguished_name = name\n[name]\n";
    await Deno.writeTextFile(`${this.dir}/openssl.cnf`, config);
    const cert = `${this.dir}/${object}.crt`;
    const key = ["-engine", "pkcs11", "-keyform", "engine", "-key", keyUri(object)];
    const subject = ["-subj", `/CN=${names[0]}`, "-addext", `subjectAltName=${names.map((name) => `DNS:${name}`)}`];
    const leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
    const args = ["req", "-x509", "-new", ...key, ...subject, ...leaf, "-days", "30", "-out", cert];
    await run("openssl", args, { OPENSSL_CONF: `${this.dir}/openssl.cnf` });
    return await Deno.readTextFile(cert);
  }

  get pinFile(): string {
    return `${this.dir}/pin`;
  }

  /** Further keys of the `tls` section, as YAML flow. */
  section(module = SOFTHSM): string {
    return `, pkcs11: { module: ${module}, pin_file: ${this.pinFile} }`;
  }

  /** A module that signs as slowly as {@linkcode setPace} says; returns its path. */
  async makeSlowModule(): Promise<string> {
    const module = `${this.dir}/slow_token.so`;
    const source = new URL("slow_token.c", import.meta.url).pathname;
    await run("gcc", ["-O1", "-shared", "-fPIC", "-nostdlib", "-o", module, source]);
    Deno.env.set("DLBA_SLOW_TOKEN", `${this.dir}/pace`);
    Deno.env.set("DLBA_SLOW_TOKEN_COUNT", `${this.dir}/count`);
    this.setPace(0);
    return module;
  }

  /** ms that each signature takes, or a device that is gone. */
  setPace(ms: number | "removed"): void {
    Deno.writeTextFileSync(`${this.dir}/pace`, String(ms));
  }

  /** Signatures that the slow module made so far. */
  get signatures(): number {
    try {
      return Deno.statSync(`${this.dir}/count`).size;
    } catch {
      return 0;
    }
  }

  async remove(): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}
