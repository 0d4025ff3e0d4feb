/** A client of HTTP/2 in clear: node:http2. */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { fromLatin1, sendAll, type ServeProcess } from "../proxy/harness.ts";
import { frame, PREFACE, type ReceivedFrame, wholeFrames } from "./peer.ts";

export interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
}

export function ask(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body?: Uint8Array | string,
  requestTrailers?: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, {
      endStream: body === undefined,
      waitForTrailers: requestTrailers !== undefined,
    });
    let received: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const pieces: Uint8Array[] = [];
    stream.on("response", (headers) => received = headers);
    stream.on("trailers", (fields) => trailers = fields);
    stream.on("data", (piece: Uint8Array) => pieces.push(piece));
    stream.on("end", () => resolve({ headers: received, body: pieces.map(fromLatin1).join(""), trailers }));
    stream.on("error", reject);
    stream.on("wantTrailers", () => stream.sendTrailers(requestTrailers!));
    if (body !== undefined) stream.end(body);
  });
}

export async function withClient(
  serve: ServeProcess,
  work: (session: ClientHttp2Session) => Promise<void>,
): Promise<void> {
  const session = connect(`http://127.0.0.1:${serve.http}`);
  session.on("error", () => {});
  try {
    await work(session);
  } finally {
    await new Promise<void>((resolve) => session.close(() => resolve()));
  }
}

/** Sends frames behind a preface and reads until the server ends the connection, or `isDone` says so. */
export async function exchange(
  serve: ServeProcess,
  frames: readonly (readonly number[])[],
  isDone: (frames: readonly ReceivedFrame[]) => boolean,
): Promise<ReceivedFrame[]> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: serve.http });
  await sendAll(connection, Uint8Array.from([PREFACE, frame(4, 0, 0), ...frames].flat()));
  let received = new Uint8Array(0);
  const buffer = new Uint8Array(65_536);
  try {
    while (true) {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) return wholeFrames(received);
      received = Uint8Array.from([...received, ...buffer.subarray(0, count)]);
      if (isDone(wholeFrames(received))) return wholeFrames(received);
    }
  } finally {
    connection.close();
  }
}
