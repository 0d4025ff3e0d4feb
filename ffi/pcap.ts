/**
 * libpcap: frames in and out of one interface. Loaded when the first capture opens, so that what needs no frames runs
 * without it. All functions: pcap(3pcap) and the page of their own name.
 */
import { UsageError } from "../core/errors.ts";
import { errno, strerror } from "./errno.ts";
import { mtuOf } from "./ethtool.ts";

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
      // int pcap_dispatch(pcap_t *p, int cnt, pcap_handler callback, u_char *user)
      pcap_dispatch: { parameters: ["pointer", "i32", "pointer", "pointer"], result: "i32" },
      // void pcap_dump(u_char *user, const struct pcap_pkthdr *h, const u_char *sp): a pcap_handler; `user` is a FILE
      pcap_dump: { type: "pointer" },
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

// FILE *fmemopen(void *buf, size_t size, const char *mode): fmemopen(3)
// int __fsetlocking(FILE *stream, int type): stdio_ext(3)
// void rewind(FILE *stream): fseek(3); int fclose(FILE *stream): fclose(3)
// int poll(struct pollfd *fds, nfds_t nfds, int timeout): poll(2)
const libc = Deno.dlopen("libc.so.6", {
  fmemopen: { parameters: ["buffer", "u32", "buffer"], result: "pointer" },
  __fsetlocking: { parameters: ["pointer", "i32"], result: "i32" },
  rewind: { parameters: ["pointer"], result: "void" },
  fclose: { parameters: ["pointer"], result: "i32" },
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
}).symbols;

let pcap: ReturnType<typeof load> | undefined;

const FSETLOCKING_BYCALLER = 2;
const PCAP_D_IN = 1;
const PCAP_NETMASK_UNKNOWN = 0xffffffff;
const ERROR_NO_SUCH_DEVICE = -5;
const ERROR_PERMISSION = -8;
const ERROR_NOT_UP = -9;
const ERRBUF_BYTES = 256;
/** Beside the MTU: Ethernet and two tags. */
const LINK_BYTES = 22;
/** Frames of a batch. */
export const BATCH_FRAMES = 128;
/** Before each frame of a batch: {u32 seconds, microseconds, captured length, length on the wire}, as in a pcap file. */
export const RECORD_BYTES = 16;
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
  /** Frames of the last {@linkcode read}, each behind a record of {@linkcode RECORD_BYTES}. */
  readonly batch: Uint8Array<ArrayBuffer>;
  /** A stream into {@linkcode batch}. */
  #stream: Deno.PointerValue = null;
  #pollfd = new Uint8Array(8);

  /**
   * Opens the interface; the calls below never block but {@linkcode wait}. Throws UsageError where libpcap, the interface or the
   * right to capture is missing, and Error with libpcap's reason otherwise.
   */
  constructor(readonly interfaceName: string, { filter, bufferBytes }: CaptureOptions) {
    this.#library = pcap ??= load();
    const errbuf = new Uint8Array(ERRBUF_BYTES);
    // A frame joined from several is cut, and would not go out again anyway. With a longer snapshot libpcap's ring has slots of 64 KiB: 256
    // in 16 MiB.
    const snapshot = mtuOf(interfaceName) + LINK_BYTES;
    this.batch = new Uint8Array((snapshot + RECORD_BYTES) * BATCH_FRAMES + 1);
    this.#stream = libc.fmemopen(this.batch, this.batch.length, cString("w"));
    if (this.#stream === null) throw new Error(`fmemopen: ${strerror(errno())}`);
    // No other thread has it.
    libc.__fsetlocking(this.#stream, FSETLOCKING_BYCALLER);
    this.#handle = this.#library.pcap_create(cString(interfaceName), errbuf);
    try {
      if (this.#handle === null) throw new Error(`pcap_create: ${textOf(errbuf)}`);
      this.#library.pcap_set_snaplen(this.#handle, snapshot);
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

  /**
   * Reads what is there into {@linkcode batch}, {@linkcode BATCH_FRAMES} at most; returns how many frames, 0 when nothing is there.
   * libpcap's own writer of files copies them, into memory: no call into JavaScript and nothing made for a frame.
   */
  read(): number {
    const frames = this.#library.pcap_dispatch(this.#handle, BATCH_FRAMES, this.#library.pcap_dump, this.#stream);
    this.#check("pcap_dispatch", frames);
    // Writes out what the stream still holds, too.
    if (frames > 0) libc.rewind(this.#stream);
    return frames;
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
    if (this.#stream !== null) libc.fclose(this.#stream);
    this.#stream = null;
    if (this.#handle !== null) this.#library.pcap_close(this.#handle);
    this.#handle = null;
  }
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

function textOf(errbuf: Uint8Array): string {
  return new TextDecoder().decode(errbuf.subarray(0, errbuf.indexOf(0)));
}
