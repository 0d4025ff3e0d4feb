/** Compiles the bench's C sources into a folder that is removed again. */

const HERE = new URL("./", import.meta.url).pathname;

export interface Programs {
  readonly generator: string;
  readonly pcapPeer: string;
  /** BPF objects. */
  readonly reflector: string;
  readonly varied: string;
}

export async function withPrograms<T>(work: (programs: Programs) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    const programs = {
      generator: `${dir}/generator`,
      pcapPeer: `${dir}/pcap_peer`,
      reflector: `${dir}/reflector.o`,
      varied: `${dir}/varied.o`,
    };
    await run("clang", ["-O2", "-o", programs.generator, `${HERE}generator.c`]);
    await run("clang", ["-O2", "-o", programs.pcapPeer, `${HERE}pcap_peer.c`, "-lpcap"]);
    for (const [source, object] of [["reflector", programs.reflector], ["varied", programs.varied]] as const) {
      const flags = ["-O2", "-g", "--target=bpf", "-mcpu=v3", `-I/usr/include/${Deno.build.arch}-linux-gnu`];
      await run("clang", [...flags, "-c", "-o", object, `${HERE}${source}.bpf.c`]);
    }
    return await work(programs);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
}
