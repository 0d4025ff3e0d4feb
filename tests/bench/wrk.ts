/** Load by wrk(1): each connection asks again as soon as it is answered. */
import { pinned } from "./process.ts";
import { LOAD_CORE, MANY, type Proxy, type Size } from "./setup.ts";

export interface Load {
  readonly proxy: Proxy;
  readonly size: Size;
  readonly connections: number;
  /** Whole ones. */
  readonly seconds: number;
}

export interface LoadResult {
  /** That were answered whole: of many large answers at a time perhaps none. */
  readonly requests: number;
  /** Requests a second. */
  readonly rate: number;
}

/** Throws where a request failed. */
export async function runWrk({ proxy, size, connections, seconds }: Load): Promise<LoadResult> {
  const [program, ...args] = pinned(LOAD_CORE, [
    "wrk",
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    `${proxy.origin}/${size}`,
  ]);
  const { stdout } = await new Deno.Command(program!, { args }).output();
  const text = new TextDecoder().decode(stdout);
  const counted = /(\d+) requests in \S+, (\S+) read/.exec(text);
  const failed = /Non-2xx.*|Socket errors.*/.exec(text);
  if (!counted || counted[2] === "0.00B" || failed) {
    throw new Error(`${proxy.name} failed under load: ${failed?.[0] ?? text}`);
  }
  return { requests: Number(counted[1]), rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]) };
}

/** A second of load that is not counted: the first requests of a size are not like those that follow. */
export async function warmUp(proxies: readonly Proxy[], size: Size): Promise<void> {
  for (const proxy of proxies) await runWrk({ proxy, size, connections: MANY, seconds: 1 });
}
