/** `dlba serve` as a process of its own before back ends of the test: real sockets on loopback. */
import assert from "node:assert/strict";
import { keptConfig } from "../../core/config/load.ts";
import { delay } from "../../core/delay.ts";
import { BackEndTable } from "../../core/proxy/back_end_table.ts";
import { certificatePem, keyPem, makeCertificate } from "../../core/secrets/certificate.ts";
import { dlbaCommand, READY } from "../../core/node/role.ts";
import { hashOf } from "../../core/push/version.ts";
import { eventually } from "./eventually.ts";

/** Made once: a key takes a while. */
const pair = makeCertificate(
  { commonName: "localhost", days: 30, keyType: "rsa", usages: ["serverAuth"], names: ["localhost"] },
  undefined,
  Date.now(),
);

export interface ServeOptions {
  readonly backEnds: readonly number[];
  /** Further keys of each back end, as YAML flow; or one such text for each. */
  readonly backEnd?: string | readonly string[];
  /** Further keys of the pool, as YAML flow. */
  readonly pool?: string;
  /** Further sections of the config. */
  readonly config?: string;
  /** Further keys of the `tls` section, as YAML flow. */
  readonly tls?: string;
  /** Certificates beside the one for localhost, as file names without `.crt` and `.key` in `tls/`. */
  readonly certificates?: readonly string[];
  /** By the name of a certificate its `ocsp` key. */
  readonly ocsp?: Readonly<Record<string, string>>;
  /** As {@linkcode files}. */
  readonly bytes?: Readonly<Record<string, Uint8Array>>;
  /** Keep what it says on stderr: {@linkcode ServeProcess.log}. */
  readonly keepsLog?: boolean;
  /** Keys by the name of their certificate, where they are not in `tls/`: PKCS#11 URIs. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Most descriptors that it may have open; as many as this process without. */
  readonly openFiles?: number;
  /** As under a node: config, version and overrides are read from the run folder ({@linkcode ServeProcess.push}). */
  readonly isPushed?: boolean;
  /** Files to be there before it starts, by their path below the config's folder. */
  readonly files?: Readonly<Record<string, string>>;
}

export class ServeProcess {
  /** What it said on stderr so far, where that is kept. */
  log = "";
  #reading: Promise<void> | undefined;

  private constructor(
    readonly dir: string,
    readonly http: number,
    readonly https: number,
    readonly child: Deno.ChildProcess,
  ) {}

  static async start(options: ServeOptions): Promise<ServeProcess> {
    const {
      backEnds,
      backEnd = "",
      pool = "",
      config = "",
      tls = "",
      certificates = [],
      keys = {},
      files = {},
      keepsLog = false,
      ocsp = {},
      bytes = {},
      openFiles,
      isPushed = false,
    } = options;
    const dir = await Deno.makeTempDir({ prefix: "dlba-test-" });
    const [http, https] = freePorts(2);
    const list = backEnds.map((port, i) => {
      const more = typeof backEnd === "string" ? backEnd : backEnd[i] ?? "";
      return `{ key: ${i + 1}, address: "127.0.0.1:${port}"${more} }`;
    });
    const pairs = ["localhost", ...certificates].map((name) => {
      const staple = ocsp[name] === undefined ? "" : `, ocsp: ${ocsp[name]}`;
      return `{ cert: tls/${name}.crt, key: "${keys[name] ?? `tls/${name}.key`}"${staple} }`;
    });
    await Deno.writeTextFile(
      `${dir}/dlba.yaml`,
      `array: { name: test, vip: 192.0.2.10, ports: { http: ${http}, https: ${https} } }
nodes: [{ id: 0, name: a, address: 192.0.2.11/24, mac: "02:00:00:00:00:0a", interface: lo }]
pools: [{ name: web, back_ends: [${list.join(", ")}]${pool} }]
tls: { certificates: [${pairs.join(", ")}]${tls} }
${config}
`,
    );
    await Deno.mkdir(`${dir}/tls`);
    await Deno.writeTextFile(`${dir}/tls/localhost.crt`, certificatePem(pair));
    await Deno.writeTextFile(`${dir}/tls/localhost.key`, keyPem(pair));
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${dir}/${path}`, text, { mode: 0o600 });
    }
    for (const [path, content] of Object.entries(bytes)) await Deno.writeFile(`${dir}/${path}`, content);
    const kept = isPushed ? `${dir}/run/test/a/dlba.yaml` : undefined;
    if (kept !== undefined) {
      await Deno.mkdir(`${dir}/run/test/a`, { recursive: true });
      writePushed(`${dir}/run/test/a`, 0, await Deno.readTextFile(`${dir}/dlba.yaml`), []);
    }
    return await ServeProcess.#spawn(dir, http!, https!, [], keepsLog, openFiles, kept);
  }

  async #keepLog(): Promise<void> {
    for await (const text of this.child.stderr.pipeThrough(new TextDecoderStream())) this.log += text;
  }

  /** Another process on the same config, run folder and ports. */
  successor(...flags: string[]): Promise<ServeProcess> {
    return ServeProcess.#spawn(this.dir, this.http, this.https, flags);
  }

  static async #spawn(
    dir: string,
    http: number,
    https: number,
    more: readonly string[],
    keepsLog = false,
    openFiles?: number,
    kept?: string,
  ): Promise<ServeProcess> {
    const flags = ["--config", `${dir}/dlba.yaml`, "--node", "a", "--listen", "127.0.0.1", ...more];
    const limit = openFiles === undefined ? [] : ["prlimit", `--nofile=${openFiles}:${openFiles}`];
    const [program, ...args] = [...limit, ...dlbaCommand(["serve", ...flags])];
    const env = { DLBA_RUN_DIR: `${dir}/run`, ...(kept === undefined ? {} : keptConfig(kept)) };
    const child = new Deno.Command(program!, {
      args,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: keepsLog ? "piped" : "null",
    }).spawn();
    const serve = new ServeProcess(dir, http, https, child);
    if (keepsLog) serve.#reading = serve.#keepLog();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    await reader.cancel();
    if (!value?.includes(READY)) throw new Error(`dlba serve said ${value}`);
    return serve;
  }

  /** Another process on the same config that is expected not to start. */
  async failingSuccessor(flags: readonly string[], run = "run"): Promise<{ code: number; stderr: string }> {
    const config = ["--config", `${this.dir}/dlba.yaml`, "--node", "a", "--listen", "127.0.0.1"];
    const [program, ...args] = dlbaCommand(["serve", ...config, ...flags]);
    const env = { DLBA_RUN_DIR: `${this.dir}/${run}` };
    const { code, stderr } = await new Deno.Command(program!, { args, env, stdin: "null" }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  }

  /** Changes the config file by these replacements and has it taken up, once it was said so; what was said. */
  async reload(...changes: readonly (readonly [before: string, after: string])[]): Promise<Reported> {
    const file = `${this.dir}/dlba.yaml`;
    let text = await Deno.readTextFile(file);
    for (const [before, after] of changes) {
      assert.ok(text.includes(before), `the config has no ${before}`);
      text = text.replace(before, () => after);
    }
    await Deno.writeTextFile(file, text);
    return await this.#hangUp((report) => report.hash === hashOf(text));
  }

  /** Puts the config and these overrides in force as a node does. */
  async push(version: number, overrides: readonly unknown[]): Promise<Reported> {
    writePushed(`${this.dir}/run/test/a`, version, await Deno.readTextFile(`${this.dir}/dlba.yaml`), overrides);
    return await this.#hangUp((report) => report.version === version);
  }

  async #hangUp(isAnswer: (report: Reported) => boolean): Promise<Reported> {
    const path = `${this.dir}/run/test/a/reload/serve-0.json`;
    await Deno.remove(path).catch(() => {});
    this.child.kill("SIGHUP");
    let report: Reported | undefined;
    await eventually(() => {
      report = JSON.parse(Deno.readTextFileSync(path)) as Reported;
      assert.ok(isAnswer(report));
    }, 15_000);
    return report!;
  }

  get certificateFile(): string {
    return `${this.dir}/tls/localhost.crt`;
  }

  /** The process's Web Server Status Table as it is now. */
  table(worker = 0): BackEndTable {
    const dir = `${this.dir}/run/test/a`, start = `serve-${worker}-${this.child.pid}-`;
    const { name } = [...Deno.readDirSync(dir)].find(({ name }) => name.startsWith(start) && name.endsWith(".tables"))!;
    return new BackEndTable(Deno.readFileSync(`${dir}/${name}`).buffer);
  }

  /** Sends raw bytes and gives back all that came until the connection ended. */
  async raw(request: string | Uint8Array): Promise<string> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.http });
    const bytes = typeof request === "string" ? latin1(request) : request;
    let sending = Promise.resolve();
    // The server may refuse and close before it took everything.
    sending = sendAll(connection, bytes).catch(() => {});
    const answer = await readToEnd(connection);
    await sending;
    return answer;
  }

  /** Resident memory, bytes. */
  rss(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${this.child.pid}/status`))![1]) * 1024;
  }

  /** Most resident memory since the start, bytes. */
  peakRss(): number {
    return Number(/^VmHWM:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${this.child.pid}/status`))![1]) * 1024;
  }

  /** The figures of the first `count` back ends in the Web Server Status Table, in the config's order. */
  backEndRows(count: number): ReturnType<BackEndTable["row"]>[] {
    const table = this.table();
    return Array.from({ length: count }, (_, row) => table.row(row));
  }

  /** Open sockets of the process. */
  sockets(): number {
    return [...Deno.readDirSync(`/proc/${this.child.pid}/fd`)].filter(({ name }) => {
      try {
        return Deno.readLinkSync(`/proc/${this.child.pid}/fd/${name}`).startsWith("socket:");
      } catch {
        return false;
      }
    }).length;
  }

  /** SIGTERM; resolves to the exit code. */
  async stop(): Promise<number> {
    this.child.kill("SIGTERM");
    const { code } = await this.child.status;
    await this.#reading;
    await Deno.remove(this.dir, { recursive: true });
    return code;
  }
}

/** What a proxy process says of a change. */
export interface Reported {
  readonly version: number;
  readonly hash: string;
  readonly ok: boolean;
  readonly error?: string;
  readonly needsRestart?: readonly string[];
}

function writePushed(dir: string, version: number, text: string, overrides: readonly unknown[]): void {
  Deno.writeTextFileSync(`${dir}/overrides.json`, JSON.stringify(overrides));
  Deno.writeTextFileSync(`${dir}/version.json`, JSON.stringify({ version, hash: hashOf(text) }));
  Deno.writeTextFileSync(`${dir}/dlba.yaml`, text);
}

/** Runs a test before back ends; everything is closed again, and the process must end with 0 and no socket but those it began with. */
export async function withServe(
  backEnds: readonly { readonly port: number; close(): Promise<void> }[],
  options: Omit<ServeOptions, "backEnds">,
  work: (serve: ServeProcess) => Promise<void>,
): Promise<void> {
  const serve = await ServeProcess.start({ backEnds: backEnds.map(({ port }) => port), ...options });
  const atStart = serve.sockets();
  try {
    await work(serve);
  } catch (error) {
    // What is left open is then no finding of its own.
    await Promise.all(backEnds.map((backEnd) => backEnd.close()));
    await serve.stop();
    throw error;
  }
  for (const backEnd of backEnds) await backEnd.close();
  // The back ends' end closes the idle connections to them.
  for (let i = 0; i < 40 && serve.sockets() > atStart; i++) await delay(50);
  const sockets = serve.sockets();
  const code = await serve.stop();
  assert.equal(code, 0);
  assert.equal(sockets, atStart, "sockets were left open");
}

/** A back end that answers as `answer` says, one connection after the other or at once. */
export class RawBackEnd {
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;
  /** Connections accepted so far. */
  accepted = 0;

  constructor(answer: (connection: Deno.TcpConn) => Promise<void>, port = 0) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#done = this.#accept(answer);
  }

  async #accept(answer: (connection: Deno.TcpConn) => Promise<void>): Promise<void> {
    const running: Promise<void>[] = [];
    while (true) {
      let connection: Deno.TcpConn;
      try {
        connection = await this.#listener.accept();
      } catch (error) {
        // A connection that was reset before it was accepted; anything else is the listener's end.
        if (error instanceof Deno.errors.NotConnected) continue;
        break;
      }
      this.accepted++;
      this.#connections.add(connection);
      // A test may end while the back end waits for bytes.
      running.push(answer(connection).catch(() => {}).finally(() => this.#drop(connection)));
    }
    await Promise.all(running);
  }

  #drop(connection: Deno.TcpConn): void {
    if (!this.#connections.delete(connection)) return;
    connection.close();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const connection of [...this.#connections]) this.#drop(connection);
    await this.#done;
  }
}

/** Reads one request head (and no body) at a time and answers each with the same bytes. */
export function answering(response: string | ((head: string) => string)): (connection: Deno.Conn) => Promise<void> {
  return async (connection) => {
    let text = "";
    const buffer = new Uint8Array(65_536);
    while (true) {
      const count = await connection.read(buffer);
      if (count === null) return;
      text += fromLatin1(buffer.subarray(0, count));
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        const head = text.slice(0, end + 4);
        text = text.slice(end + 4);
        await sendAll(connection, latin1(typeof response === "string" ? response : response(head)));
      }
    }
  };
}

export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function fromLatin1(bytes: Uint8Array): string {
  let text = "";
  // In pieces: an argument each, and their number is limited.
  for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return text;
}

export async function sendAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** All bytes until the peer closes or resets, as latin1; closes the connection. */
export async function readToEnd(connection: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(65_536);
  try {
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      text += fromLatin1(buffer.subarray(0, count));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    text += "[reset]";
  } finally {
    connection.close();
  }
  return text;
}

/** Below the ports that the kernel gives to outgoing connections (net.ipv4.ip_local_port_range). */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
/** Test processes that run at a time begin at places far from each other. */
let nextPort = (Deno.pid * 397) % PORTS;

/** Ports that nothing listens on now; none is given twice. */
export function freePorts(count: number): number[] {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + nextPort++ % PORTS;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      ports.push(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return ports;
}
