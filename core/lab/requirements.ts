/** What a mode needs from the machine beyond Deno, and which Debian package brings it. */
import { existsSync } from "node:fs";
import { UsageError } from "../errors.ts";
import { addSystemFolders, hasProgram } from "../programs.ts";

interface Requirement {
  /** Debian's package. */
  readonly package: string;
  /** A program on PATH, or a shared library by the name that dlopen(3) takes. */
  readonly program?: string;
  readonly library?: string;
  /** A file below /usr/include. */
  readonly header?: string;
}

const LIBSSL: Requirement = { package: "libssl3", library: "libssl.so.3" };
const CURL: Requirement = { package: "curl", program: "curl" };

/** For pages that come coded. */
const LIBCODINGS: readonly Requirement[] = [
  { package: "zlib1g", library: "libz.so.1" },
  { package: "libbrotli1", library: "libbrotlidec.so.1" },
];

const TRIPLETS = { x86_64: "x86_64-linux-gnu", aarch64: "aarch64-linux-gnu" };
const PKCS11_ENGINE = `/usr/lib/${TRIPLETS[Deno.build.arch]}/engines-3/pkcs11.so`;
/** A token of software, and what makes a slow one of it. */
const TOKEN: readonly Requirement[] = [
  { package: "softhsm2", program: "softhsm2-util" },
  { package: "opensc", program: "pkcs11-tool" },
  { package: "libengine-pkcs11-openssl", library: PKCS11_ENGINE },
  { package: "gcc", program: "gcc" },
];

/** Packages by mode. `loopback` needs nothing that a Debian with curl or openssl lacks. */
const REQUIREMENTS = {
  loopback: [LIBSSL],
  demo: [
    LIBSSL,
    CURL,
    { package: "libpcap0.8", library: "libpcap.so.0.8" },
    { package: "libbpf1", library: "libbpf.so.1" },
    { package: "iproute2", program: "ip" },
    { package: "nftables", program: "nft" },
    { package: "ethtool", program: "ethtool" },
    { package: "util-linux", program: "nsenter" },
    { package: "procps", program: "sysctl" },
  ],
  unit: [
    LIBSSL,
    CURL,
    ...LIBCODINGS,
    { package: "openssl", program: "openssl" },
    { package: "nghttp2-client", program: "h2load" },
  ],
  test: [
    { package: "tcpdump", program: "tcpdump" },
    { package: "haproxy", program: "haproxy" },
    { package: "nginx", program: "nginx" },
    // A real browser for what speederize moves.
    { package: "chromium", program: "chromium" },
    { package: "snmpd", program: "snmpd" },
    { package: "etcd-server", program: "etcd" },
    // To build the BPF program anew.
    { package: "clang", program: "clang" },
    { package: "llvm", program: "llvm-strip" },
    { package: "libbpf-dev", header: "bpf/bpf_helpers.h" },
    ...TOKEN,
    { package: "testssl.sh", program: "testssl" },
    { package: "sslscan", program: "sslscan" },
    { package: "valgrind", program: "valgrind" },
    { package: "prometheus", program: "promtool" },
    { package: "tmux", program: "tmux" },
  ],
  bench: [
    LIBSSL,
    { package: "haproxy", program: "haproxy" },
    { package: "nginx", program: "nginx" },
    { package: "nghttp2-client", program: "h2load" },
    { package: "wrk", program: "wrk" },
    { package: "slowhttptest", program: "slowhttptest" },
    { package: "openssl", program: "openssl" },
    { package: "iproute2", program: "ss" },
    { package: "util-linux", program: "taskset" },
    { package: "util-linux", program: "setpriv" },
    // The peers of the packet path.
    { package: "libpcap-dev", header: "pcap/pcap.h" },
    // That of the failover.
    { package: "keepalived", program: "keepalived" },
  ],
} as const satisfies Record<string, readonly Requirement[]>;

export type Mode = keyof typeof REQUIREMENTS;

/** All that a mode needs: the whole test run needs what its parts need, the benches make arrays and compile. */
function requirements(mode: Mode): readonly Requirement[] {
  const { demo, unit, test } = REQUIREMENTS;
  if (mode === "test") return [...new Set([...demo, ...unit, ...test])];
  if (mode === "bench") return [...new Set([...demo, ...test, ...REQUIREMENTS.bench])];
  return REQUIREMENTS[mode];
}

/** Debian packages that the mode needs and this machine lacks. */
export function missingPackages(mode: Mode): string[] {
  return requirements(mode).filter((need) => !isPresent(need)).map((need) => need.package);
}

function isPresent({ program, library, header }: Requirement): boolean {
  if (header) return existsSync(`/usr/include/${header}`);
  if (program) return hasProgram(program);
  try {
    Deno.dlopen(library!, {}).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs what the mode lacks with apt-get, when `install` is set and this is root on Debian or Ubuntu.
 * Everything it prints goes to stderr. Throws {@linkcode UsageError} with the exact command otherwise.
 */
export function ensureRequirements(mode: Mode, install: boolean): void {
  addSystemFolders();
  const missing = missingPackages(mode);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (!install || Deno.uid() !== 0 || !hasProgram("apt-get")) {
    throw new UsageError(`Missing on this machine: ${missing.join(", ")}. As root run: ${command}`);
  }
  console.error(`setup: ${command}`);
  // A fresh machine has no package lists, or old ones.
  apt(["update", "-q"]);
  apt(["install", "-y", "-q", "--no-install-recommends", ...missing]);
  const still = missingPackages(mode);
  if (still.length > 0) throw new UsageError(`apt-get did not bring ${still.join(", ")}. As root run: ${command}`);
}

function apt(args: string[]): void {
  const { success, stdout, stderr } = new Deno.Command("apt-get", {
    args,
    stdin: "null",
    env: { DEBIAN_FRONTEND: "noninteractive" },
  }).outputSync();
  if (success) return;
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  throw new UsageError(`apt-get ${args.join(" ")} failed:\n${output.trim().split("\n").slice(-5).join("\n")}`);
}
