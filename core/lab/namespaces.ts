/** Whether this process can make network namespaces as `ip netns` does. */

/** Bits of the kernel's capability sets: linux/capability.h. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };

/**
 * What `ip netns add` does, without a trace: a file in /run, a mount, a network namespace and the way back out of it. What is
 * mounted nowhere cannot be made private, but that is found out after the right to.
 */
const ATTEMPT = `
[ -w /run ] || { echo "/run cannot be written" >&2; exit 1; }
case $(mount --make-private /proc/self/fd 2>&1) in
  *denied* | *"not permitted"*) echo "mount is not permitted" >&2; exit 1 ;;
esac
exec nsenter --net=/proc/$PPID/ns/net true
`;

/** Says why it cannot; undefined where it can. Needs nothing but Debian's util-linux. */
export function whyNoNamespaces(): string | undefined {
  if (Deno.uid() !== 0) return "network namespaces need root";
  const missing = missingCapabilities();
  if (missing.length > 0) {
    return `network namespaces cannot be made here: this root lacks ${missing.join(" and ")}, as in a container`;
  }
  // What the capabilities allow a container or a security module may forbid.
  const { success, stderr } = new Deno.Command("unshare", {
    args: ["--net", "sh", "-c", ATTEMPT],
    env: { LC_ALL: "C" },
    stdin: "null",
  }).outputSync();
  if (success) return undefined;
  return `network namespaces cannot be made here: ${new TextDecoder().decode(stderr).trim()}`;
}

function missingCapabilities(): string[] {
  const status = Deno.readTextFileSync("/proc/self/status");
  const effective = BigInt(`0x${/^CapEff:\s*([\da-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return Object.entries(CAPABILITIES).filter(([, bit]) => !(effective >> BigInt(bit) & 1n)).map(([name]) => name);
}
