/** Orders to the failover daemon of this machine: a socket in the run folder, which only the daemon's own user may open; JSON, a line each way. */
import { existsSync } from "node:fs";
import { UsageError } from "../errors.ts";

const SOCKET = "failover.sock";
const MAX_BYTES = 4096;

export type Order = { readonly kind: "handover"; readonly to: string | undefined };

export interface Outcome {
  /** Why it was not done; undefined when it was. */
  readonly failure?: string;
}

/** Answers until the signal aborts. */
export async function serveOrders(
  dir: string,
  obey: (order: Order) => Promise<Outcome>,
  signal: AbortSignal,
): Promise<void> {
  const path = `${dir}/${SOCKET}`;
  // What a predecessor left.
  if (existsSync(path)) Deno.removeSync(path);
  const listener = Deno.listen({ transport: "unix", path });
  Deno.chmodSync(path, 0o600);
  signal.addEventListener("abort", () => listener.close());
  // Who says nothing is not waited for.
  for await (const connection of listener) void answer(connection, obey).catch(() => {});
}

async function answer(connection: Deno.Conn, obey: (order: Order) => Promise<Outcome>): Promise<void> {
  try {
    const order = JSON.parse(await readLine(connection)) as Order;
    await writeLine(connection, await obey(order));
  } finally {
    connection.close();
  }
}

/** Gives an order and waits for its outcome. Throws UsageError where no daemon listens. */
export async function give(dir: string, order: Order): Promise<Outcome> {
  const path = `${dir}/${SOCKET}`;
  let connection: Deno.Conn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw new UsageError(`No right to use ${path}: run as root`);
    throw new UsageError(`No failover daemon runs here (${path}): dlba node starts it`);
  }
  try {
    await writeLine(connection, order);
    return JSON.parse(await readLine(connection)) as Outcome;
  } finally {
    connection.close();
  }
}

async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(value) + "\n");
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Throws Error when it is longer than any order, or cut off. */
async function readLine(connection: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(MAX_BYTES);
  for (let length = 0; length < MAX_BYTES;) {
    const count = await connection.read(bytes.subarray(length));
    if (count === null) throw new Error("cut off");
    length += count;
    const end = bytes.subarray(0, length).indexOf(10);
    if (end >= 0) return new TextDecoder().decode(bytes.subarray(0, end));
  }
  throw new Error("too long");
}
