/** Compiles witness.c into a folder that is removed again. */

const SOURCE = new URL("witness.c", import.meta.url).pathname;

export async function withWitness<T>(work: (program: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    const program = `${dir}/witness`;
    const args = ["-O2", "-Wall", "-o", program, SOURCE];
    const { success, stderr } = await new Deno.Command("clang", { args, stdin: "null" }).output();
    if (!success) throw new Error(`clang ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
    return await work(program);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
