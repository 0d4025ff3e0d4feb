/**
 * Removes what a lab made, however the process that made it ends. The janitor is a shell in a session of its own that waits for
 * an order or for the end of its pipe. It is the first thing made, and bears the lab's id in its environment, as does
 * each process of the lab: so both are found whoever their parent is by then. A process that is being made holds the pipe open
 * until it bears the mark.
 */
const MARK = "DLBA_LAB";
const JANITOR_MARK = "DLBA_JANITOR";

/** $1: id, which begins the name of each namespace of the lab; $2: folder. */
const SCRIPT = `
trap "" HUP INT TERM
echo ready
read -r order
[ "$order" = keep ] && exit 0
namespaces() { ls /run/netns 2>/dev/null | grep "^$id"; }
processes() {
  grep -slzx "${MARK}=$id" /proc/[0-9]*/environ | cut -d / -f 3
  for namespace in $(namespaces); do ip netns pids "$namespace"; done
}
id=$1 unseen=0 rounds=0
while [ $unseen -lt 2 ] && [ $rounds -lt 200 ]; do
  found=$(processes)
  unseen=$((unseen + 1)) rounds=$((rounds + 1))
  [ -n "$found" ] && kill -9 $found && unseen=0
  sleep 0.02
done
for namespace in $(namespaces); do ip netns del "$namespace"; done
sed -n "s|^[^ ]* \\($2/[^ ]*\\) bpf .*|\\1|p" /proc/self/mounts | while read -r pins; do umount "$pins"; done
rm -rf "${"$"}{2:?}"
`;

export class Janitor {
  #child: Deno.ChildProcess;
  #order: WritableStreamDefaultWriter<Uint8Array>;
  #ready: Promise<boolean>;
  #dismissed = false;

  /** @param id begins the names of the lab's namespaces; @param folder the lab's own */
  constructor(readonly id: string, readonly folder: string) {
    this.#child = command(id, folder).spawn();
    this.#order = this.#child.stdin.getWriter();
    // From then on it does not keep this process alive.
    this.#ready = hasOutput(this.#child.stdout).finally(() => this.#child.unref());
  }

  /** Makes the lab's folder. To be awaited before anything else is made: until then no signal can lose anything. */
  async open(): Promise<void> {
    if (!await this.#ready) throw new Error(`the janitor of ${this.id} could not be started`);
    if (!this.#dismissed) await Deno.mkdir(this.folder, { mode: 0o700 });
  }

  /** Environment of each process of the lab. Throws once the lab is closed: nothing is started in it any more. */
  get env(): Record<string, string> {
    if (this.#dismissed) throw new Error(`${this.id} is closed`);
    return { [MARK]: this.id };
  }

  /** Ends the lab's processes and removes its namespaces, its BPF file systems and its folder; a second call does nothing. */
  async remove(): Promise<void> {
    await this.#dismiss("remove");
  }

  /** Leaves everything as it is. */
  async keep(): Promise<void> {
    await this.#dismiss("keep");
  }

  async #dismiss(order: string): Promise<void> {
    if (this.#dismissed) return;
    this.#dismissed = true;
    await this.#ready;
    this.#child.ref();
    // A janitor that was killed cannot be told.
    await this.#order.write(new TextEncoder().encode(`${order}\n`)).catch(() => {});
    await this.#order.close().catch(() => {});
    if (!(await this.#child.status).success && order === "remove") await removeLab(this.id, this.folder);
  }
}

/** Whether the process that made the lab, or one that removes it, is at work. */
export async function hasJanitor(id: string): Promise<boolean> {
  const script = 'grep -sqzx "$1" /proc/[0-9]*/environ';
  const { success } = await new Deno.Command("sh", { args: ["-c", script, "sh", `${JANITOR_MARK}=${id}`] }).output();
  return success;
}

/** Removes a lab that nobody looks after: its processes, its namespaces, its folder. */
export async function removeLab(id: string, folder: string): Promise<void> {
  const child = command(id, folder).spawn();
  await Promise.all([child.stdin.close(), child.output()]);
}

function command(id: string, folder: string): Deno.Command {
  const env = { [JANITOR_MARK]: id };
  const args = ["sh", "-c", SCRIPT, "sh", id, folder];
  return new Deno.Command("setsid", { args, env, stdin: "piped", stdout: "piped", stderr: "null" });
}

async function hasOutput(stream: ReadableStream<Uint8Array>): Promise<boolean> {
  const reader = stream.getReader();
  const { done } = await reader.read();
  await reader.cancel();
  return !done;
}
