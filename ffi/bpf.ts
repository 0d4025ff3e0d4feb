/**
 * BPF programs and maps by libbpf. Loaded when the first program is, so that what needs none runs without it. Linux only.
 * libbpf.h and bpf.h of libbpf 1.1; bpf(2). Where not said otherwise a call returns 0 or the negated errno.
 */
import { UsageError } from "../core/errors.ts";
import { errno, strerror } from "./errno.ts";
import { Mapping } from "./mapping.ts";

const LIBRARY = "libbpf.so.1";

function load() {
  try {
    const { symbols } = Deno.dlopen(LIBRARY, {
      // libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
      libbpf_set_print: { parameters: ["pointer"], result: "pointer" },
      // int libbpf_num_possible_cpus(void)
      libbpf_num_possible_cpus: { parameters: [], result: "i32" },
      // struct bpf_object *bpf_object__open_mem(const void *obj_buf, size_t obj_buf_sz, const struct bpf_object_open_opts *opts): null on error
      bpf_object__open_mem: { parameters: ["buffer", "u32", "pointer"], result: "pointer" },
      // int bpf_object__load(struct bpf_object *obj)
      bpf_object__load: { parameters: ["pointer"], result: "i32" },
      // void bpf_object__close(struct bpf_object *obj)
      bpf_object__close: { parameters: ["pointer"], result: "void" },
      // struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *obj, const char *name)
      bpf_object__find_program_by_name: { parameters: ["pointer", "buffer"], result: "pointer" },
      // int bpf_program__fd(const struct bpf_program *prog)
      bpf_program__fd: { parameters: ["pointer"], result: "i32" },
      // struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *obj, const char *name)
      bpf_object__find_map_by_name: { parameters: ["pointer", "buffer"], result: "pointer" },
      // int bpf_map__set_max_entries(struct bpf_map *map, __u32 max_entries)
      bpf_map__set_max_entries: { parameters: ["pointer", "u32"], result: "i32" },
      // int bpf_map__reuse_fd(struct bpf_map *map, int fd)
      bpf_map__reuse_fd: { parameters: ["pointer", "i32"], result: "i32" },
      // int bpf_map__fd(const struct bpf_map *map)
      bpf_map__fd: { parameters: ["pointer"], result: "i32" },
      // int bpf_obj_pin(int fd, const char *pathname); int bpf_obj_get(const char *pathname): a descriptor
      bpf_obj_pin: { parameters: ["i32", "buffer"], result: "i32" },
      bpf_obj_get: { parameters: ["buffer"], result: "i32" },
      // int bpf_obj_get_info_by_fd(int bpf_fd, void *info, __u32 *info_len)
      bpf_obj_get_info_by_fd: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
      // int bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type attach_type, const struct bpf_link_create_opts *opts): a descriptor
      bpf_link_create: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
      // int bpf_link_update(int link_fd, int new_prog_fd, const struct bpf_link_update_opts *opts)
      bpf_link_update: { parameters: ["i32", "i32", "pointer"], result: "i32" },
      // int bpf_link_detach(int link_fd)
      bpf_link_detach: { parameters: ["i32"], result: "i32" },
      // int bpf_prog_test_run_opts(int prog_fd, struct bpf_test_run_opts *opts)
      bpf_prog_test_run_opts: { parameters: ["i32", "buffer"], result: "i32" },
    });
    // What it would print is said by the errors thrown here.
    symbols.libbpf_set_print(null);
    return symbols;
  } catch (cause) {
    throw new UsageError(`Cannot load ${LIBRARY}. As root run: apt-get install -y libbpf1`, { cause });
  }
}

let loaded: ReturnType<typeof load> | undefined;
const libbpf = () => loaded ??= load();

// int close(int fd): close(2)
// unsigned int if_nametoindex(const char *ifname): if_nametoindex(3)
const libc = Deno.dlopen("libc.so.6", {
  close: { parameters: ["i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
}).symbols;

const BPF_XDP = 37;
const XDP_FLAGS = { native: 4, generic: 2 } as const; // XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE
const LINK_CREATE_OPTS_BYTES = 64;
const TEST_RUN_OPTS_BYTES = 80;
const MAP_INFO_BYTES = 88;
const LINK_INFO_BYTES = 32;

/** How an XDP program is run: by the driver, or by the stack behind it. */
export type XdpMode = keyof typeof XDP_FLAGS;

/** CPUs that the machine can ever have. */
export function possibleCpus(): number {
  return libbpf().libbpf_num_possible_cpus();
}

/** A map that is an array of BPF_F_MMAPABLE, by its descriptor. */
export class BpfMap {
  #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Of a pin; undefined where there is none. Throws Error with the system's reason. */
  static pinned(path: string): BpfMap | undefined {
    const fd = pinnedFd(path);
    return fd === undefined ? undefined : new BpfMap(fd);
  }

  /** Whether it has this many entries of this size. */
  fits(valueBytes: number, entries: number): boolean {
    const info = infoOf(this.#fd, MAP_INFO_BYTES); // struct bpf_map_info {u32 type, id, key_size, value_size, max_entries; ...}
    return info.getUint32(12, true) === valueBytes && info.getUint32(16, true) === entries;
  }

  /** Its content, mapped: whoever maps it sees the same. */
  map(bytes: number): Mapping {
    return Mapping.ofDescriptor(this.#fd, bytes, "a BPF map");
  }

  /** For {@linkcode BpfProgram.load}, which keeps a descriptor of its own. */
  get fd(): number {
    return this.#fd;
  }

  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }
}

/** An object with one XDP program, loaded into the kernel. */
export class BpfProgram {
  #object: Deno.PointerValue;
  #fd: number;

  private constructor(object: Deno.PointerObject, name: string) {
    this.#object = object;
    this.#fd = libbpf().bpf_program__fd(libbpf().bpf_object__find_program_by_name(object, cString(name)));
  }

  /**
   * Loads the program of that name from an ELF object, with maps of these numbers of entries, or over maps that are there already. Throws
   * UsageError where libbpf or the right is missing, or the kernel cannot run it.
   */
  static load(
    elf: Uint8Array<ArrayBuffer>,
    name: string,
    entries: Readonly<Record<string, number>>,
    maps?: ReadonlyMap<string, BpfMap>,
  ): BpfProgram {
    const object = libbpf().bpf_object__open_mem(elf, elf.length, null);
    if (object === null) throw new Error(`bpf_object__open_mem: ${strerror(errno())}`);
    const find = (map: string) => libbpf().bpf_object__find_map_by_name(object, cString(map));
    try {
      for (const [map, count] of Object.entries(entries)) {
        check(`size of ${map}`, libbpf().bpf_map__set_max_entries(find(map), count));
      }
      maps?.forEach(({ fd }, map) => check(`reuse of ${map}`, libbpf().bpf_map__reuse_fd(find(map), fd)));
      const result = libbpf().bpf_object__load(object);
      if (result < 0) {
        throw new UsageError(
          `The kernel does not take the XDP program: ${strerror(-result)} (it needs root and Linux 5.18)`,
        );
      }
      return new BpfProgram(object, name);
    } catch (error) {
      libbpf().bpf_object__close(object);
      throw error;
    }
  }

  /** Maps the content of one of its maps. */
  mapOf(name: string, bytes: number): Mapping {
    return Mapping.ofDescriptor(this.#mapFd(name), bytes, `BPF map ${name}`);
  }

  pinMap(name: string, path: string): void {
    check(`pin of ${name}`, libbpf().bpf_obj_pin(this.#mapFd(name), cString(path)));
  }

  #mapFd(name: string): number {
    return libbpf().bpf_map__fd(libbpf().bpf_object__find_map_by_name(this.#object, cString(name)));
  }

  /** Attaches to an interface. Throws Error with the system's reason, as where the driver cannot. */
  attach(interfaceName: string, mode: XdpMode): XdpLink {
    const index = libc.if_nametoindex(cString(interfaceName));
    if (index === 0) throw new UsageError(`No interface ${interfaceName} on this machine`);
    const opts = new DataView(new ArrayBuffer(LINK_CREATE_OPTS_BYTES)); // struct bpf_link_create_opts {size_t sz; u32 flags; ...}
    opts.setBigUint64(0, BigInt(LINK_CREATE_OPTS_BYTES), true);
    opts.setUint32(8, XDP_FLAGS[mode], true);
    const fd = libbpf().bpf_link_create(this.#fd, index, BPF_XDP, new Uint8Array(opts.buffer));
    check(`XDP ${mode} on ${interfaceName}`, fd);
    return new XdpLink(fd);
  }

  /** Takes the place of the program that the link runs; no frame passes in between. */
  replaceIn(link: XdpLink): void {
    check("bpf_link_update", libbpf().bpf_link_update(link.fd, this.#fd, null));
  }

  /**
   * Runs it on a frame: BPF_PROG_TEST_RUN. The frame as the program left it is in the first bytes of `out`.
   * Frames are of 14 bytes or more.
   */
  testRun(frame: Uint8Array<ArrayBuffer>, out: Uint8Array<ArrayBuffer>, repeat = 1): TestRun {
    // struct bpf_test_run_opts {size_t sz; const void *data_in; void *data_out; u32 data_size_in, data_size_out; const void *ctx_in;
    // void *ctx_out; u32 ctx_size_in, ctx_size_out, retval; int repeat; u32 duration, flags, cpu, batch_size}
    const opts = new DataView(new ArrayBuffer(TEST_RUN_OPTS_BYTES));
    opts.setBigUint64(0, BigInt(TEST_RUN_OPTS_BYTES), true);
    opts.setBigUint64(8, addressOf(frame), true);
    opts.setBigUint64(16, addressOf(out), true);
    opts.setUint32(24, frame.length, true);
    opts.setUint32(28, out.length, true);
    opts.setInt32(60, repeat, true);
    check("bpf_prog_test_run", libbpf().bpf_prog_test_run_opts(this.#fd, new Uint8Array(opts.buffer)));
    return {
      action: opts.getUint32(56, true),
      length: opts.getUint32(28, true),
      nanoseconds: opts.getUint32(64, true),
    };
  }

  /** The kernel keeps what is pinned or attached. */
  close(): void {
    if (this.#object !== null) libbpf().bpf_object__close(this.#object);
    this.#object = null;
  }
}

export interface TestRun {
  /** XDP_DROP 1, XDP_PASS 2, XDP_TX 3. */
  readonly action: number;
  /** Of the frame afterwards. */
  readonly length: number;
  /** Of one run, the mean of all. */
  readonly nanoseconds: number;
}

/** An XDP program's place at an interface. Unless pinned it ends with its last descriptor. */
export class XdpLink {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Of a pin; undefined where there is none. Throws Error with the system's reason. */
  static pinned(path: string): XdpLink | undefined {
    const fd = pinnedFd(path);
    return fd === undefined ? undefined : new XdpLink(fd);
  }

  get fd(): number {
    return this.#fd;
  }

  /** Whether it still is at this interface: an interface that goes takes the program with it. */
  isAt(interfaceName: string): boolean {
    const info = infoOf(this.#fd, LINK_INFO_BYTES); // struct bpf_link_info {u32 type, id, prog_id; u32 pad; u32 xdp.ifindex}
    const index = libc.if_nametoindex(cString(interfaceName));
    return index !== 0 && info.getUint32(16, true) === index;
  }

  pin(path: string): void {
    check("pin of the link", libbpf().bpf_obj_pin(this.#fd, cString(path)));
  }

  /** Takes the program from the interface, whoever else holds the link. */
  detach(): void {
    check("bpf_link_detach", libbpf().bpf_link_detach(this.#fd));
  }

  close(): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }
}

function pinnedFd(path: string): number | undefined {
  const fd = libbpf().bpf_obj_get(cString(path));
  if (fd >= 0) return fd;
  const ENOENT = 2;
  if (fd === -ENOENT) return undefined;
  throw new Error(`Cannot open ${path}: ${strerror(-fd)}`);
}

function infoOf(fd: number, bytes: number): DataView {
  const info = new Uint8Array(bytes);
  check(
    "bpf_obj_get_info_by_fd",
    libbpf().bpf_obj_get_info_by_fd(fd, info, new Uint8Array(Uint32Array.of(bytes).buffer)),
  );
  return new DataView(info.buffer);
}

function check(call: string, result: number): void {
  if (result < 0) throw new Error(`${call}: ${strerror(-result)}`);
}

function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
