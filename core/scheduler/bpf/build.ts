/** `deno task bpf`: builds the BPF objects. Needs clang, llvm-strip and libbpf's headers; users need none of them. */

/** Sources; each object is committed beside its own. */
export const SOURCES = ["core/scheduler/bpf/dlba.bpf.c", "core/lab/pass.bpf.c"] as const;

const root = new URL("../../../", import.meta.url).pathname;

/** Where the object of a source is. */
export function objectOf(source: string): string {
  return root + source.replace(/c$/, "o");
}

/** Builds into the file; throws Error with what the compiler said. */
export async function buildObject(source: string, file: string): Promise<void> {
  // asm/types.h stands in a folder of the machine's kind, which a compiler for BPF does not search.
  const include = `-I/usr/include/${Deno.build.arch}-linux-gnu`;
  // The object names its sources, but not where they lay.
  const names = "-fdebug-compilation-dir=.";
  const flags = ["-O2", "-g", "-Wall", "-Werror", "--target=bpf", "-mcpu=v3", include, names];
  await run("clang", [...flags, "-c", source, "-o", file]);
  // The types stay (BTF), debugging goes.
  await run("llvm-strip", ["-g", file]);
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args], cwd: root, stdin: "null" }).output();
  if (!success) throw new Error(`${program} failed:\n${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) {
  for (const source of SOURCES) await buildObject(source, objectOf(source));
}
