/**
 * Starts the role processes of a node and keeps them running. Isolation is by process: a crash of one role costs
 * that role a restart and nothing else.
 */
import { delay } from "../delay.ts";
import { READY, supervisedEnv } from "./role.ts";

/** First pause before a role that died is started again, ms; doubles with each death up to the limit. */
const RESTART_DELAY_MS = 100;
const RESTART_DELAY_LIMIT_MS = 5_000;
/** A role that ran for so long starts over with the first pause, ms. */
const STEADY_MS = 30_000;
/** Longest wait for a role's first READY, ms: a Deno process on a loaded machine takes a second or two. */
const START_TIMEOUT_MS = 20_000;

export interface RolePlan {
  /** Name in messages, as "serve 0". */
  readonly name: string;
  readonly command: readonly string[];
  /** It finishes what it has begun before it ends, and needs the others for that. */
  readonly drains?: boolean;
}

export class Supervisor {
  #children = new Map<RolePlan, Deno.ChildProcess>();
  #stopping = false;
  #log: (line: string) => void;

  /**
   * @param stopTimeoutMs a role has so long to finish after SIGTERM
   * @param env of every role
   */
  constructor(
    log: (line: string) => void,
    readonly stopTimeoutMs: number,
    readonly env: Readonly<Record<string, string>> = {},
  ) {
    this.#log = log;
  }

  /**
   * Starts the role and resolves once it is ready; from then on a death of the process is answered by a restart.
   * When it ends before it was ever ready, resolves to its exit code: the caller stops the rest.
   */
  async start(plan: RolePlan): Promise<number | "ready"> {
    const first = await this.#spawn(plan);
    if (first.ready) {
      void this.#keepRunning(plan, first.ended);
      return "ready";
    }
    return await first.ended;
  }

  /** Names of the roles that were started. */
  get roles(): string[] {
    return [...this.#children.keys()].map(({ name }) => name);
  }

  /** Tells every role that its config has changed. */
  hangUp(): void {
    for (const child of this.#children.values()) signal(child, "SIGHUP");
  }

  /** Ends first the roles that drain, all at once, then the others in the reverse order of their start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const plans = [...this.#children.keys()].reverse();
    await Promise.all(plans.filter(({ drains }) => drains).map((plan) => this.#end(plan)));
    for (const plan of plans.filter(({ drains }) => !drains)) await this.#end(plan);
  }

  /** SIGTERM, and SIGKILL when that did not do. */
  async #end(plan: RolePlan): Promise<void> {
    const child = this.#children.get(plan)!;
    signal(child, "SIGTERM");
    const late = setTimeout(() => {
      this.#log(`${plan.name} did not end within ${this.stopTimeoutMs} ms: killed`);
      signal(child, "SIGKILL");
    }, this.stopTimeoutMs);
    await child.status;
    clearTimeout(late);
  }

  async #keepRunning(plan: RolePlan, ended: Promise<number>): Promise<void> {
    let pause = RESTART_DELAY_MS;
    let since = performance.now();
    while (true) {
      const code = await ended;
      if (this.#stopping) return;
      if (performance.now() - since > STEADY_MS) pause = RESTART_DELAY_MS;
      this.#log(`${plan.name} ended with ${code}: starts again in ${pause} ms`);
      await delay(pause);
      if (this.#stopping) return;
      pause = Math.min(pause * 2, RESTART_DELAY_LIMIT_MS);
      since = performance.now();
      ({ ended } = await this.#spawn(plan));
    }
  }

  /** Resolves when the process printed READY or ended. */
  async #spawn(plan: RolePlan): Promise<{ ready: boolean; ended: Promise<number> }> {
    const [program, ...args] = plan.command;
    const child = new Deno.Command(program!, {
      args,
      env: { ...supervisedEnv(), ...this.env },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#children.set(plan, child);
    // stop() may have run while the process was being made.
    if (this.#stopping) signal(child, "SIGTERM");
    const ended = child.status.then(({ code }) => code);
    const late = setTimeout(() => {
      this.#log(`${plan.name} was not ready within ${START_TIMEOUT_MS} ms: killed`);
      signal(child, "SIGKILL");
    }, START_TIMEOUT_MS);
    const ready = await sawReady(child.stdout);
    clearTimeout(late);
    return { ready, ended };
  }
}

/** Resolves to true when the line READY comes, to false when the stream ends first; what follows is read and dropped. */
function sawReady(stdout: ReadableStream<Uint8Array>): Promise<boolean> {
  return new Promise((resolve) => {
    (async () => {
      let line = "";
      for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
        const lines = (line + text).split("\n");
        line = lines.pop()!.slice(-READY.length - 1);
        if (lines.includes(READY)) resolve(true);
      }
      resolve(false);
    })();
  });
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It ended by itself meanwhile.
  }
}
