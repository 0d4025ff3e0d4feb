/** Load by h2load(1): so many streams of each connection ask again as soon as they are answered. */
import { pinned } from "../process.ts";
import { LOAD_CORE, type Proxy, type Size } from "../setup.ts";

export interface H2Load {
  readonly size: Size;
  readonly connections: number;
  /** At a time, of each connection. */
  readonly streams: number;
}

/** Requests answered in so many whole seconds. Throws where one failed. */
export async function runH2load(
  proxy: Proxy,
  { size, connections, streams }: H2Load,
  seconds: number,
): Promise<number> {
  const [program, ...args] = pinned(LOAD_CORE, [
    "h2load",
    `-c${connections}`,
    `-m${streams}`,
    `-D${seconds}`,
    `${proxy.origin}/${size}`,
  ]);
  const { stdout } = await new Deno.Command(program!, { args }).output();
  const text = new TextDecoder().decode(stdout);
  const counted = /(\d+) succeeded, (\d+) failed, (\d+) errored/.exec(text);
  const statuses = /status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx/.exec(text);
  if (!counted || counted[1] === "0" || counted[2] !== "0" || counted[3] !== "0" || !statuses) {
    throw new Error(`${proxy.name} failed under load: ${text}`);
  }
  return Number(counted[1]);
}
