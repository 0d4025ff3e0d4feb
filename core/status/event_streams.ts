/** Answers that have no end: events for those who watch. As bounded as the others: in number, and in what waits for a slow reader. */
import { ANSWER_MS, close, count, message } from "./answering.ts";

/** At a time; a dashboard holds one, a browser at most six to one place. */
const MAX_STREAMS = 16;
const MAX_OF_ADDRESS = 6;
/** Told to whom has no room, s. */
const RETRY_AFTER = "5";

export function isEventStream({ headers }: Response): boolean {
  return headers.get("content-type") === "text/event-stream";
}

export class EventStreams {
  /** By address. */
  #open = new Map<string, number>();

  /** Sends parts as they come until the client leaves or is too slow; the connection is closed then. */
  async send(connection: Deno.Conn, { headers, body }: Response, from: string): Promise<void> {
    const parts = body!.getReader();
    if (!this.#hasRoom(from)) {
      await parts.cancel();
      await connection.write(message(503, "Service Unavailable", [["retry-after", RETRY_AFTER]], new Uint8Array()));
      return;
    }
    count(this.#open, from, 1);
    const left = untilLeft(connection).then(() => parts.cancel());
    try {
      await write(connection, head(headers));
      for (let part = await parts.read(); !part.done; part = await parts.read()) await write(connection, part.value);
    } finally {
      count(this.#open, from, -1);
      await parts.cancel();
      close(connection);
      await left;
    }
  }

  #hasRoom(from: string): boolean {
    let all = 0;
    for (const streams of this.#open.values()) all += streams;
    return all < MAX_STREAMS && (this.#open.get(from) ?? 0) < MAX_OF_ADDRESS;
  }
}

function head(headers: Headers): Uint8Array {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return new TextEncoder().encode(`HTTP/1.1 200 OK\r\n${lines.join("")}connection: close\r\n\r\n`);
}

/** Throws where the connection is gone, or was closed for being slow. */
async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  const late = setTimeout(() => close(connection), ANSWER_MS);
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  } finally {
    clearTimeout(late);
  }
}

/** What the client sends after its question is read and dropped. */
async function untilLeft(connection: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(256);
  try {
    while (await connection.read(bytes) !== null);
  } catch {
    // Reset, or closed by us.
  }
}
