/** Debian's HAProxy and nginx with the least of a config, each before back ends that record. */
import { delay } from "../../../core/delay.ts";
import { freePorts } from "../harness.ts";
import { RecordingBackEnd } from "./recording_back_end.ts";

/** A port of a proxy and the back end behind it: whatever arrives there was sent to that port. */
export interface Lane {
  readonly port: number;
  readonly backEnd: RecordingBackEnd;
}

interface Program {
  readonly command: readonly string[];
  readonly config: (dir: string, lanes: readonly Lane[]) => string;
}

const HAPROXY: Program = {
  command: ["haproxy", "-db", "-q", "-f"],
  config: (_, lanes) =>
    `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
${
      lanes.map(({ port, backEnd }) =>
        `listen lane${port}
  bind 127.0.0.1:${port}
  server web 127.0.0.1:${backEnd.port}
`
      ).join("")
    }`,
};

const NGINX: Program = {
  command: ["nginx", "-c"],
  config: (dir, lanes) =>
    `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 512; }
http { access_log off;
${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${dir}/${name};\n`).join("")}
${
      lanes.map(({ port, backEnd }) =>
        `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${backEnd.port}; proxy_http_version 1.1;
  proxy_set_header Host $http_host; proxy_set_header Connection ""; } }
`
      ).join("")
    }}
`,
};

const PROGRAMS = { HAProxy: HAPROXY, nginx: NGINX } as const;
export type PeerName = keyof typeof PROGRAMS;
export const PEERS = Object.keys(PROGRAMS) as PeerName[];

/** How often a peer's port is tried, and how long between, ms: 5 s in all. */
const TRIES = 100;
const TRY_MS = 50;

export class Peer {
  private constructor(
    readonly lanes: readonly Lane[],
    readonly dir: string,
    readonly child: Deno.ChildProcess,
  ) {}

  static async start(name: PeerName, laneCount: number): Promise<Peer> {
    const dir = await Deno.makeTempDir({ prefix: "dlba-test-" });
    // The back ends first: they would be given ports that were found free for the peer.
    const backEnds = Array.from({ length: laneCount }, () => new RecordingBackEnd());
    const ports = freePorts(laneCount);
    const lanes = backEnds.map((backEnd, i) => ({ port: ports[i]!, backEnd }));
    const { command: [program, ...flags], config } = PROGRAMS[name];
    await Deno.writeTextFile(`${dir}/config`, config(dir, lanes));
    const args = [...flags, `${dir}/config`];
    const command = new Deno.Command(program!, { args, stdin: "null", stdout: "null", stderr: "null" });
    const peer = new Peer(lanes, dir, command.spawn());
    try {
      await peer.#untilListening();
    } catch (error) {
      await peer.stop();
      throw error;
    }
    return peer;
  }

  async #untilListening(): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.lanes.at(-1)!.port })).close();
        return;
      } catch {
        await delay(TRY_MS);
      }
    }
    throw new Error(`Nothing listens on port ${this.lanes.at(-1)!.port}`);
  }

  async stop(): Promise<void> {
    try {
      this.child.kill("SIGTERM");
    } catch {
      // It ended by itself.
    }
    await this.child.status;
    for (const { backEnd } of this.lanes) await backEnd.close();
    await Deno.remove(this.dir, { recursive: true });
  }
}
