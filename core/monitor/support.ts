/** `dlba support`: what somebody who helps wants to know, in one archive, and no key or password. */
import { stringify } from "yaml";
import manifest from "../../deno.json" with { type: "json" };
import type { Config } from "../config/schema.ts";
import { parseYaml } from "../config/yaml.ts";
import { Failure } from "../errors.ts";
import { askStatusPort } from "../status/status_client.ts";

/** Longest wait for an answer of a node, or for a command, ms. */
const WAIT_MS = 5_000;
/** More than any answer but a whole table of the largest size is; one that is longer is left out, and that is said. */
const MAX_BYTES = 32 << 20;

/** Of each node, by the name of the file in the archive. */
const ANSWERS: Readonly<Record<string, string>> = {
  "tables.json": "/tables",
  "events.json": "/overview",
  "hour.json": "/hour",
  "metrics.txt": "/metrics",
  "speed.json": "/speed",
};

/** Of this machine. None of them shows keys. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "system.txt": ["sh", "-c", "uname -a; cat /etc/os-release; nproc; cat /proc/meminfo /proc/loadavg"],
  "packages.txt": ["dpkg-query", "-W", "libssl3", "libbpf1", "libpcap0.8", "iproute2"],
  "addresses.txt": ["ip", "-details", "address"],
  "links.txt": ["ip", "-details", "-statistics", "link"],
  "routes.txt": ["ip", "route", "show", "table", "all"],
  "neighbours.txt": ["ip", "neighbour"],
  "sockets.txt": ["ss", "-s"],
  "sysctl.txt": ["sysctl", "net.ipv4.conf", "net.ipv4.tcp_migrate_req", "net.core.somaxconn"],
  "processes.txt": ["ps", "-eo", "pid,ppid,rss,pcpu,etime,args"],
  "journal.txt": ["journalctl", "--no-pager", "-n", "5000", "-t", "dlba", "-u", "dlba*"],
};

/** Values of these keys are not told; the keys of files are: a path is no secret, what is in the file is not read. */
const SECRET_KEYS = /^(community|pin|password|passphrase|secret|token)$/;

/** The config without what is secret in it, and without its comments: what was written there is not known. */
export function withoutSecrets(text: string): string {
  const hidden = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(hidden);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, value]) => [key, SECRET_KEYS.test(key) ? "(left out)" : hidden(value)]),
    );
  };
  return stringify(hidden(parseYaml(text).document?.toJS()));
}

/**
 * Writes the archive (tar, gzip), readable by its owner alone. Resolves to the names of what is in it. Throws
 * {@linkcode Failure} where it cannot be written.
 */
export async function writeSupport(config: Config, configFile: string, archive: string): Promise<string[]> {
  const dir = await Deno.makeTempDir({ prefix: "dlba-support-" });
  const write = (name: string, bytes: Uint8Array) => Deno.writeFile(`${dir}/${name}`, bytes);
  const text = (name: string, text: string) => write(name, new TextEncoder().encode(text));
  try {
    await text("versions.txt", `dlba ${manifest.version}\ndeno ${Deno.version.deno}\nv8 ${Deno.version.v8}\n`);
    await text("dlba.yaml", withoutSecrets(await Deno.readTextFile(configFile)));
    await Promise.all([
      ...Object.entries(COMMANDS).map(async ([name, command]) => await write(name, await outputOf(command))),
      ...config.nodes.flatMap(({ name: node, address }) =>
        Object.entries(ANSWERS).map(async ([name, path]) => {
          const port = { address: address.address, port: config.control.status_port };
          const answer = await askStatusPort(port, path, MAX_BYTES, AbortSignal.timeout(WAIT_MS))
            .then(({ body }) => body, (error) => new TextEncoder().encode(`${error}\n`));
          await write(`node-${node}-${name}`, answer);
        })
      ),
    ]);
    const names = [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    await pack(dir, names, archive);
    return names;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What it printed, or why it did not: a machine without systemd has no journal. */
async function outputOf([program, ...args]: readonly string[]): Promise<Uint8Array> {
  try {
    const signal = AbortSignal.timeout(WAIT_MS);
    const { stdout, stderr } = await new Deno.Command(program!, { args, signal, stdin: "null" }).output();
    return stdout.length > 0 ? stdout : stderr;
  } catch (error) {
    return new TextEncoder().encode(`${program}: ${error instanceof Error ? error.message : error}\n`);
  }
}

async function pack(dir: string, names: readonly string[], archive: string): Promise<void> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(archive, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    throw new Failure(`${archive} cannot be made: ${error instanceof Error ? error.message : error}`);
  }
  const tar = new Deno.Command("tar", {
    args: ["--create", "--gzip", "--directory", dir, "--owner", "0", "--group", "0", "--", ...names],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await tar.stdout.pipeTo(file.writable);
  const { code } = await tar.status;
  if (code !== 0) throw new Failure(`tar ended with ${code}: ${archive} is not whole`);
}
