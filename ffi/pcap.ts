/**
 * libpcap: frames in and out of one interface. Loaded when the first capture opens, so that what needs no frames runs
 * without it. All functions: pcap(3pcap) and the page of their own name.
 */
import { UsageError } from "../core/errors.ts";

const LIBRARY = "libpcap.so.0.8";

function load() {
  try {
    return Deno.dlopen(LIBRARY, {
      // pcap_t *pcap_create(const char *source, char *errbuf)
      pcap_create: { parameters: ["buffer", "buffer"], result: "pointer" },
      // int pcap_set_*(pcap_t *p, int value)
      pcap_set_snaplen: { parameters: ["pointer", "i32"], result: "i32" },
      pcap_set_immediate_mode: { parameters: ["pointer", "i32"], result: "i32" },
      pcap_set_buffer_size: { parameters: ["pointer", "i32"], result: "i32" },
      // int pcap_activate(pcap_t *p)
      pcap_activate: { parameters: ["pointer"], result: "i32" },
      // int pcap_setdirection(pcap_t *p, pcap_direction_t d)
      pcap_setdirection: { parameters: ["pointer", "i32"], result: "i32" },
      // int pcap_setnonblock(pcap_t *p, int nonblock, char *errbuf)
      pcap_setnonblock: { parameters: ["pointer", "i32", "buffer"], result: "i32" },
      // int pcap_compile(pcap_t *p, struct bpf_program *fp, const char *str, int optimize, bpf_u_int32 netmask)
      pcap_compile: { parameters: ["pointer", "buffer", "buffer", "i32", "u32"], result: "i32" },
      // int pcap_setfilter(pcap_t *p, struct bpf_program *fp)
      pcap_setfilter: { parameters: ["pointer", "buffer"], result: "i32" },
      // void pcap_freecode(struct bpf_program *fp)
      pcap_freecode: { parameters: ["buffer"], result: "void" },
      // char *pcap_geterr(pcap_t *p)
      pcap_geterr: { parameters: ["pointer"], result: "pointer" },
      // int pcap_get_selectable_fd(pcap_t *p)
      pcap_get_selectable_fd: { parameters: ["pointer"], result: "i32" },
      // int pcap_next_ex(pcap_t *p, struct pcap_pkthdr **header, const u_char **data)
      pcap_next_ex: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
      // int pcap_inject(pcap_t *p, const void *buf, size_t size)
      pcap_inject: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
      // int pcap_stats(pcap_t *p, struct pcap_stat *ps)
      pcap_stats: { parameters: ["pointer", "buffer"], result: "i32" },
      // void pcap_close(pcap_t *p)
      pcap_close: { parameters: ["pointer"], result: "void" },
    }).symbols;
  } catch (cause) {
    throw new UsageError(`Cannot load ${LIBRARY}. As root run: apt-get install -y libpcap0.8`, { cause });
  }
}

// void *memcpy(void *dest, const void *src, size_t n): memcpy(3). The source is an address as a bigint; a size_t is declared as u32, as
// in socket.ts.
// int poll(struct pollfd *fds, nfds_t nfds, int timeout): poll(2)
const libc = Deno.dlopen("libc.so.6", {
  memcpy: { parameters: ["buffer", "usize", "u32"], result: "void" },
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
}).symbols;

let pcap: ReturnType<typeof load> | undefined;

const PCAP_D_IN = 1;
const PCAP_NETMASK_UNKNOWN = 0xffffffff;
const ERROR_NO_SUCH_DEVICE = -5;
const ERROR_PERMISSION = -8;
const ERROR_NOT_UP = -9;
const ERRBUF_BYTES = 256;
/** Longest frame taken whole: no MTU is larger. */
export const MAX_FRAME_BYTES = 65_535;
/** struct pcap_pkthdr {struct timeval ts; u32 caplen; u32 len}. */
const HEADER_BYTES = 24;
const POLLIN = 1;

export interface CaptureOptions {
  /** pcap-filter(7); only frames that come in. */
  readonly filter: string;
  /** Kernel buffer for frames not yet read, bytes. */
  readonly bufferBytes: number;
}

export class Capture {
  #handle: Deno.PointerValue;
  #library: ReturnType<typeof load>;
  /** pcap_next_ex puts two addresses here: of the header, of the frame. */
  #addresses = [new BigUint64Array(1), new BigUint64Array(1)] as const;
  #addressBytes = [new Uint8Array(this.#addresses[0].buffer), new Uint8Array(this.#addresses[1].buffer)] as const;
  #header = new Uint32Array(HEADER_BYTES / 4);
  #headerBytes = new Uint8Array(this.#header.buffer);
  #pollfd = new Uint8Array(8);

  /**
   * Opens the interface; the calls below never block but {@linkcode wait}. Throws UsageError where libpcap, the interface or the
   * right to capture is missing, and Error with libpcap's reason otherwise.
   */
  constructor(readonly interfaceName: string, { filter, bufferBytes }: CaptureOptions) {
    this.#library = pcap ??= load();
    const errbuf = new Uint8Array(ERRBUF_BYTES);
    this.#handle = this.#library.pcap_create(cString(interfaceName), errbuf);
    if (this.#handle === null) throw new Error(`pcap_create: ${textOf(errbuf)}`);
    try {
      this.#library.pcap_set_snaplen(this.#handle, MAX_FRAME_BYTES);
      this.#library.pcap_set_immediate_mode(this.#handle, 1);
      this.#library.pcap_set_buffer_size(this.#handle, bufferBytes);
      this.#activate();
      this.#check("pcap_setdirection", this.#library.pcap_setdirection(this.#handle, PCAP_D_IN));
      this.#setFilter(filter);
      if (this.#library.pcap_setnonblock(this.#handle, 1, errbuf) < 0) throw new Error(textOf(errbuf));
    } catch (error) {
      this.close();
      throw error;
    }
    const pollfd = new DataView(this.#pollfd.buffer);
    pollfd.setInt32(0, this.#library.pcap_get_selectable_fd(this.#handle), true);
    pollfd.setInt16(4, POLLIN, true);
  }

  #activate(): void {
    const result = this.#library.pcap_activate(this.#handle);
    if (result >= 0) return;
    const name = this.interfaceName;
    if (result === ERROR_NO_SUCH_DEVICE) {
      throw new UsageError(`No interface ${name} on this machine (ip link lists them)`);
    }
    if (result === ERROR_PERMISSION) {
      throw new UsageError(`No right to capture on ${name}: run as root or with the capability CAP_NET_RAW`);
    }
    if (result === ERROR_NOT_UP) throw new UsageError(`Interface ${name} is down: ip link set ${name} up`);
    throw new Error(`pcap_activate: ${this.#reason()}`);
  }

  #setFilter(filter: string): void {
    const program = new Uint8Array(16); // struct bpf_program {u_int bf_len; struct bpf_insn *bf_insns}
    const compiled = this.#library.pcap_compile(this.#handle, program, cString(filter), 1, PCAP_NETMASK_UNKNOWN);
    this.#check("pcap_compile", compiled);
    const set = this.#library.pcap_setfilter(this.#handle, program);
    this.#library.pcap_freecode(program);
    this.#check("pcap_setfilter", set);
  }

  #check(call: string, result: number): void {
    if (result < 0) throw new Error(`${call}: ${this.#reason()}`);
  }

  #reason(): string {
    return new Deno.UnsafePointerView(this.#library.pcap_geterr(this.#handle)!).getCString();
  }

  /** Length of the last frame on the wire; above what {@linkcode next} returned when it was cut. */
  get wireLength(): number {
    return this.#header[5]!;
  }

  /** Copies the next frame into `frame` and returns its captured length; 0 when there is none now. */
  next(frame: Uint8Array): number {
    // A copy of a short frame costs less than an ArrayBuffer view made for each.
    const result = this.#library.pcap_next_ex(this.#handle, this.#addressBytes[0], this.#addressBytes[1]);
    if (result === 0) return 0;
    this.#check("pcap_next_ex", result);
    libc.memcpy(this.#headerBytes, this.#addresses[0][0]!, HEADER_BYTES);
    const captured = Math.min(this.#header[4]!, frame.length);
    libc.memcpy(frame, this.#addresses[1][0]!, captured);
    return captured;
  }

  /** Sends the first `length` bytes; false when the system refuses. */
  inject(frame: Uint8Array, length: number): boolean {
    return this.#library.pcap_inject(this.#handle, frame, length) === length;
  }

  /** Blocks this thread until a frame is there or `ms` are over. */
  wait(ms: number): void {
    libc.poll(this.#pollfd, 1, ms);
  }

  /** Frames that the kernel dropped because they were not read in time, since the opening. */
  dropped(): number {
    const stats = new Uint32Array(3); // struct pcap_stat {u_int ps_recv; u_int ps_drop; u_int ps_ifdrop}
    this.#check("pcap_stats", this.#library.pcap_stats(this.#handle, new Uint8Array(stats.buffer)));
    return stats[1]!;
  }

  /** A second call does nothing. */
  close(): void {
    if (this.#handle === null) return;
    this.#library.pcap_close(this.#handle);
    this.#handle = null;
  }
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

function textOf(errbuf: Uint8Array): string {
  return new TextDecoder().decode(errbuf.subarray(0, errbuf.indexOf(0)));
}
