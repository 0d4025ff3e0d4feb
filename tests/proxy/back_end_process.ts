/** A back end that is a process of its own, so that a test can kill it. Run as a program, with a port, it is that process. */
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { delay } from "../../core/delay.ts";

/** What each response takes, ms: so that a kill finds many requests on their way. */
const RESPONSE_MS = 5;

export class BackEndProcess {
  private constructor(readonly port: number, readonly child: Deno.ChildProcess) {}

  static async start(port: number): Promise<BackEndProcess> {
    const args = ["run", "-A", "--no-check", fileURLToPath(import.meta.url), String(port)];
    const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    if (value === undefined) throw new Error(`The back end on port ${port} does not start`);
    return new BackEndProcess(port, child);
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
  }
}

function serve(port: number): void {
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    await delay(RESPONSE_MS);
    response.end(`${port}`);
  });
  server.listen(port, "127.0.0.1", () => console.log("ready"));
}

if (import.meta.main) serve(Number(Deno.args[0]));
