/** Whether our heap stays flat: what lives after a forced collection at request 100,000 and at request 1,000,000. */
import { delay } from "../../../core/delay.ts";
import type { LoadGenerator } from "../load/generator.ts";
import { type Bar, bar, type Row, row } from "../report.ts";
import type { LiveBytes } from "../heap_hook.ts";
import type { Proxy } from "../setup.ts";

const FIRST = 100_000;
const LAST = 1_000_000;
const LIMIT_BYTES = 2 * 1024 * 1024;
const CONNECTIONS = 32;
/** What idle connections hold alive is asked with so many of them. */
const IDLE_CONNECTIONS = 8_000;
const PATH = "/100B";
/** Longest wait for the answer to a signal, ms. */
const ANSWER_MS = 5_000;

/** @param ours our proxy with the heap hook */
export async function measureHeap(
  ours: Proxy,
  load: LoadGenerator,
): Promise<{ readonly rows: readonly Row[]; readonly bars: readonly Bar[] }> {
  const { port } = ours;
  await load.counted({ port, path: PATH, connections: CONNECTIONS, requests: FIRST });
  const first = await liveBytes(ours);
  await load.counted({ port, path: PATH, connections: CONNECTIONS, requests: LAST - FIRST });
  const last = await liveBytes(ours);
  await load.hold({ port, path: PATH, connections: IDLE_CONNECTIONS });
  const held = await liveBytes(ours);
  await load.release();
  const growth = total(last) - total(first);
  return {
    rows: [
      row("http.heap.at_1e5", "bytes", [total(first)]),
      row("http.heap.at_1e6", "bytes", [total(last)]),
      row("http.heap.of_idle_connection", "bytes", [(total(held) - total(last)) / IDLE_CONNECTIONS]),
    ],
    bars: [bar("http.heap_growth_1e6", growth, LIMIT_BYTES, "lower")],
  };
}

/** ArrayBuffers count too: a leak of buffers is a leak. */
function total({ heap, external }: LiveBytes): number {
  return heap + external;
}

/** Makes our process collect its garbage and tell what is left. */
async function liveBytes({ pid, logFile }: Proxy): Promise<LiveBytes> {
  const answers = () => Deno.readTextFileSync(logFile).split("\n").filter((line) => line.startsWith('{"heap":'));
  const before = answers().length;
  Deno.kill(pid, "SIGUSR1");
  for (let waited = 0; waited < ANSWER_MS; waited += 50) {
    await delay(50);
    const answer = answers()[before];
    if (answer) return JSON.parse(answer);
  }
  throw new Error("Our process did not tell its heap");
}
