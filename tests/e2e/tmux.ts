/** A terminal that a test types at and reads: a tmux session of its own server. */
import { delay } from "../../core/delay.ts";

const WAIT_MS = 30_000;

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

export class Tmux implements AsyncDisposable {
  #name = `dlba-${crypto.randomUUID().slice(0, 8)}`;

  /** @param env of the command */
  static async start(
    command: readonly string[],
    { columns, rows }: Screen,
    env: Record<string, string>,
  ): Promise<Tmux> {
    const tmux = new Tmux();
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    // A shell stays in the terminal once the command has ended: what is left of the screen can be seen.
    const size = ["-x", String(columns), "-y", String(rows)];
    await tmux.#run(["-f", "/dev/null", "new-session", "-d", ...size, "sh"], env);
    await tmux.#run(["send-keys", "-l", `clear; echo before; ${quoted}; echo "ended with $?"`]);
    await tmux.type("Enter");
    return tmux;
  }

  async #run(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-L", this.#name, ...args],
      // UTF-8, whatever the machine says; no variable of a tmux around the test.
      env: { LC_ALL: "C.UTF-8", PS1: "$ ", TERM: "xterm-256color", TMUX: "", ...env },
    }).output();
    if (!success) throw new Error(`tmux ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  }

  /** By tmux's names of keys. */
  async type(...keys: string[]): Promise<void> {
    await this.#run(["send-keys", ...keys]);
  }

  async resize({ columns, rows }: Screen): Promise<void> {
    await this.#run(["resize-window", "-x", String(columns), "-y", String(rows)]);
  }

  /** The screen's text; with its colours as escape sequences where they are asked for. */
  async screen(hasColour = false): Promise<string> {
    return await this.#run(["capture-pane", "-p", ...(hasColour ? ["-e"] : [])]);
  }

  /** Resolves to the first screen that matches. Throws, with the last one, when none does in time. */
  async until(what: RegExp, hasColour = false): Promise<string> {
    const deadline = performance.now() + WAIT_MS;
    while (true) {
      const screen = await this.screen(hasColour);
      if (what.test(screen)) return screen;
      if (performance.now() > deadline) throw new Error(`No ${what} within ${WAIT_MS / 1000} s:\n${screen}`);
      await delay(50);
    }
  }

  /** Whether the terminal's cursor is shown and its alternate screen is on. */
  async modes(): Promise<{ readonly cursor: boolean; readonly alternate: boolean }> {
    const [cursor, alternate] = (await this.#run(["display-message", "-p", "#{cursor_flag} #{alternate_on}"])).trim()
      .split(" ");
    return { cursor: cursor === "1", alternate: alternate === "1" };
  }

  /** Of the command in the terminal, by a word of its command line. */
  async pid(word: string): Promise<number> {
    const shell = (await this.#run(["display-message", "-p", "#{pane_pid}"])).trim();
    const { stdout } = await new Deno.Command("ps", { args: ["-o", "pid=,args=", "--ppid", shell] }).output();
    const line = new TextDecoder().decode(stdout).split("\n").find((line) => line.includes(word));
    if (line === undefined) throw new Error(`No ${word} runs in the terminal`);
    return Number(line.trim().split(" ")[0]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run(["kill-server"]);
  }
}
