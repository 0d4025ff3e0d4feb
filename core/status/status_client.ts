/**
 * Asks a status port, a connection an answer (seed: "closing the connection after each one responds"). By a socket of its own: `fetch` would go by the
 * proxy that the environment names, and keep the connection. RFC 9112, as far as our own server speaks it. Nothing that the peer sends is
 * trusted: its answer is bounded, and whole or none.
 */
const MAX_HEAD_BYTES = 4096;

export interface StatusAnswer {
  /** RFC 9110 section 15. */
  readonly status: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface StatusPort {
  readonly address: string;
  readonly port: number;
}

/** Throws Error where no whole answer of at most `maxBytes` came before the signal aborted. */
export async function askStatusPort(
  { address, port }: StatusPort,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<StatusAnswer> {
  const connection = await Deno.connect({ hostname: address, port, signal });
  const close = () => connection.close();
  signal.addEventListener("abort", close);
  try {
    if (signal.aborted) throw new Error("Aborted");
    const question = `GET ${path} HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(question));
    return await answerFrom(connection, maxBytes);
  } finally {
    signal.removeEventListener("abort", close);
    // Aborted, it is closed already.
    if (!signal.aborted) close();
  }
}

async function answerFrom(connection: Deno.Conn, maxBytes: number): Promise<StatusAnswer> {
  const head = new Uint8Array(MAX_HEAD_BYTES);
  let received = 0, end = -1;
  while (end < 0) {
    if (received === MAX_HEAD_BYTES) throw new Error("The head of the answer is too long");
    received += await readInto(connection, head.subarray(received));
    end = latin1(head.subarray(0, received)).indexOf("\r\n\r\n");
  }
  const { status, bytes } = readHead(latin1(head.subarray(0, end + 2)));
  if (bytes > maxBytes) throw new Error(`An answer of ${bytes} bytes, more than ${maxBytes}`);
  const body = new Uint8Array(bytes);
  const begun = head.subarray(end + 4, Math.min(received, end + 4 + bytes));
  body.set(begun);
  for (let at = begun.length; at < bytes;) at += await readInto(connection, body.subarray(at));
  return { status, body };
}

async function readInto(connection: Deno.Conn, room: Uint8Array): Promise<number> {
  const count = await connection.read(room);
  if (count === null) throw new Error("The answer is cut off");
  return count;
}

function readHead(head: string): { readonly status: number; readonly bytes: number } {
  const status = /^HTTP\/1\.[01] ([0-9]{3})\b/.exec(head)?.[1];
  const length = /\r\ncontent-length: *([0-9]{1,10}) *\r\n/i.exec(head)?.[1];
  // No Content has neither length nor body.
  if (status === undefined || (length === undefined && status !== "204")) throw new Error("No answer of a status port");
  return { status: Number(status), bytes: Number(length ?? 0) };
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
