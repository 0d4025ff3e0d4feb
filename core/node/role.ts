/**
 * The contract between `dlba node` and the role processes it starts (scheduler, serve, statusd):
 * a role prints the line {@linkcode READY} on stdout once it serves, and ends when its supervisor dies.
 */
import { dieWithParent } from "../../ffi/process.ts";

export const READY = "ready";
const SUPERVISOR = "DLBA_SUPERVISOR_PID";

/** The command line that runs `dlba` with these arguments: this very executable, or Deno on the same source. */
export function dlbaCommand(args: readonly string[]): string[] {
  if (Deno.build.standalone) return [Deno.execPath(), ...args];
  return [Deno.execPath(), "run", "-A", "--quiet", new URL("../../main.ts", import.meta.url).pathname, ...args];
}

/** The environment that ties a role process to this one. */
export function supervisedEnv(): Record<string, string> {
  return { [SUPERVISOR]: String(Deno.pid) };
}

/** To be called first by a role process: when a supervisor started it, it dies with it. */
export function obeySupervisor(): void {
  const parent = Deno.env.get(SUPERVISOR);
  if (!parent) return;
  // Whoever has not begun to listen for changes yet must not end by one: it looks once it has begun.
  Deno.addSignalListener("SIGHUP", () => {});
  if (!dieWithParent(Number(parent))) Deno.exit(1);
}

/** Says that the role serves. */
export function announceReady(): void {
  console.log(READY);
}
