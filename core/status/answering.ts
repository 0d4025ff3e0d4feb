/** What the status port and its streams of events have in common. */

/** Longest time to take an answer, or a part of one without an end, ms: a whole table over a slow link. */
export const ANSWER_MS = 10_000;

/** Keeps a number by name; one of 0 is none. */
export function count(counts: Map<string, number>, name: string, change: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + change;
  if (count === 0) counts.delete(name);
  else counts.set(name, count);
}

/** An answer as bytes, head and body (RFC 9112). */
export function message(
  status: number,
  reason: string,
  fields: Iterable<[string, string]>,
  body: Uint8Array,
  isHead = false,
): Uint8Array {
  const lines = [`HTTP/1.1 ${status} ${reason}`];
  for (const [name, value] of fields) if (name !== "content-length") lines.push(`${name}: ${value}`);
  // No Content has no length (RFC 9110 section 8.6).
  if (status !== 204) lines.push(`content-length: ${body.length}`);
  const head = new TextEncoder().encode([...lines, "connection: close", "\r\n"].join("\r\n"));
  const bytes = new Uint8Array(head.length + (isHead ? 0 : body.length));
  bytes.set(head);
  if (!isHead) bytes.set(body, head.length);
  return bytes;
}

/** Whoever comes second finds it closed. */
export function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed by the other.
  }
}
