/** What a mode needs from the machine beyond Deno, and which Debian package brings it. */
import { UsageError } from "../errors.ts";
import { addSystemFolders, hasProgram } from "../programs.ts";

interface Requirement {
  /** Debian's package. */
  readonly package: string;
  /** A program on PATH, or a shared library by the name that dlopen(3) takes. */
  readonly program?: string;
  readonly library?: string;
}

const LIBSSL: Requirement = { package: "libssl3", library: "libssl.so.3" };
const CURL: Requirement = { package: "curl", program: "curl" };

/** Packages by mode. `loopback` needs nothing that a Debian with curl or openssl lacks. */
const REQUIREMENTS = {
  loopback: [LIBSSL],
  demo: [
    LIBSSL,
    CURL,
    { package: "libpcap0.8", library: "libpcap.so.0.8" },
    { package: "iproute2", program: "ip" },
    { package: "nftables", program: "nft" },
    { package: "ethtool", program: "ethtool" },
    { package: "util-linux", program: "nsenter" },
    { package: "procps", program: "sysctl" },
  ],
  unit: [LIBSSL, CURL, { package: "openssl", program: "openssl" }],
  test: [
    { package: "tcpdump", program: "tcpdump" },
    { package: "haproxy", program: "haproxy" },
    { package: "nginx", program: "nginx" },
  ],
  bench: [
    LIBSSL,
    { package: "haproxy", program: "haproxy" },
    { package: "nginx", program: "nginx" },
    { package: "wrk", program: "wrk" },
    { package: "slowhttptest", program: "slowhttptest" },
    { package: "openssl", program: "openssl" },
    { package: "iproute2", program: "ss" },
    { package: "util-linux", program: "taskset" },
    { package: "util-linux", program: "setpriv" },
  ],
} as const satisfies Record<string, readonly Requirement[]>;

export type Mode = keyof typeof REQUIREMENTS;

/** All that a mode needs: the whole test run needs what its parts need. */
function requirements(mode: Mode): readonly Requirement[] {
  if (mode !== "test") return REQUIREMENTS[mode];
  return [...new Set([...REQUIREMENTS.demo, ...REQUIREMENTS.unit, ...REQUIREMENTS.test])];
}

/** Debian packages that the mode needs and this machine lacks. */
export function missingPackages(mode: Mode): string[] {
  return requirements(mode).filter((need) => !isPresent(need)).map((need) => need.package);
}

function isPresent({ program, library }: Requirement): boolean {
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
