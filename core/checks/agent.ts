/** What a back end's agent says of its machine: a line as "75%", the part of its weight that it bears (HAProxy's agent-check). */

/** An agent says little; who says more is no agent, bytes. */
const MOST_BYTES = 128;
/** One that bears nothing still gets a request now and then, or its load would never be seen to fall. */
const LEAST = 0.05;

/** Undefined where the line is none of an agent's. */
export function agentFraction(line: string): number | undefined {
  const [, digits] = /^\s*([0-9]{1,3})%\s*$/.exec(line.split("\n", 1)[0]!) ?? [];
  if (digits === undefined || Number(digits) > 100) return undefined;
  return Math.max(LEAST, Number(digits) / 100);
}

/** What a machine bears that is so busy. @param load percent */
export function loadFraction(load: number): number {
  return Math.max(LEAST, 1 - Math.min(100, Math.max(0, load)) / 100);
}

/** Asks the agent; undefined where it says nothing that can be used. Never throws. */
export async function askAgent(address: string, port: number, signal: AbortSignal): Promise<number | undefined> {
  let connection: Deno.TcpConn | undefined;
  const close = () => connection?.close();
  try {
    connection = await Deno.connect({ hostname: address, port, signal });
    signal.addEventListener("abort", close);
    const buffer = new Uint8Array(MOST_BYTES);
    let length = 0;
    while (length < MOST_BYTES) {
      const count = await connection.read(buffer.subarray(length));
      if (count === null) break;
      length += count;
      if (buffer.subarray(0, length).includes(10)) break;
    }
    return agentFraction(new TextDecoder().decode(buffer.subarray(0, length)));
  } catch {
    return undefined;
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) close();
  }
}
