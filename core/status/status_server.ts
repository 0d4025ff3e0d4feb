/**
 * Serves the status port: one question a connection, which is closed after the answer (seed, "Internal Operation"). Who asks is a stranger: connections,
 * time and memory that he can take are bounded, which Deno.serve cannot do. RFC 9112, as far as a question without a body needs it.
 */
import { delay } from "../delay.ts";
import { ANSWER_MS, close, count, message } from "./answering.ts";
import { EventStreams, isEventStream } from "./event_streams.ts";

/** Connections at a time from one address: a node asks for status, changes and live buckets, an operator for tables. */
const MAX_OF_ADDRESS = 16;
/** Connections at a time from all that are no node of the array. */
const MAX_OF_STRANGERS = 64;
/** Answers that wait to be taken, bytes in all: two whole tables of 1,048,576 buckets. */
const MAX_WAITING_BYTES = 128 << 20;
/** A question's head: path and a few fields, bytes. */
const MAX_HEAD_BYTES = 4096;
/** A question is sent at once, ms. */
const QUESTION_MS = 2_000;
/** Pause after a failed accept, ms: without descriptors the next would fail too. */
const ACCEPT_PAUSE_MS = 50;

const QUESTION = /^([A-Z]+) (\/[\x21-\x7e]*) HTTP\/1\.[01]\r\n/;

/** Answers a GET or HEAD for a path with query. */
export type Answer = (request: Request) => Response | Promise<Response>;

export class StatusServer {
  #listener: Deno.Listener;
  #answer: Answer;
  #members: ReadonlySet<string>;
  #open = new Map<string, number>();
  #waitingBytes = 0;
  #streams = new EventStreams();

  /** @param members addresses of the array's nodes: strangers cannot take their room */
  constructor(listener: Deno.Listener, answer: Answer, members: Iterable<string>) {
    this.#listener = listener;
    this.#answer = answer;
    this.#members = new Set(members);
  }

  /** Addresses of the array's nodes from now on. */
  takeMembers(members: Iterable<string>): void {
    this.#members = new Set(members);
  }

  /** Serves until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#listener.close());
    while (!signal.aborted) {
      try {
        const connection = await this.#listener.accept();
        void this.#serve(connection, (connection.remoteAddr as Deno.NetAddr).hostname);
      } catch {
        await delay(ACCEPT_PAUSE_MS, signal);
      }
    }
  }

  async #serve(connection: Deno.Conn, from: string): Promise<void> {
    if (this.#hasRoom(from)) {
      count(this.#open, from, 1);
      await this.#serveOne(connection, from);
      count(this.#open, from, -1);
    }
    close(connection);
  }

  #hasRoom(from: string): boolean {
    if ((this.#open.get(from) ?? 0) >= MAX_OF_ADDRESS) return false;
    if (this.#members.has(from)) return true;
    let strangers = 0;
    for (const [address, count] of this.#open) if (!this.#members.has(address)) strangers += count;
    return strangers < MAX_OF_STRANGERS;
  }

  async #serveOne(connection: Deno.Conn, from: string): Promise<void> {
    let late = setTimeout(() => close(connection), QUESTION_MS);
    let waiting = 0;
    try {
      const head = await readHead(connection);
      clearTimeout(late);
      const answer = await this.#answerTo(head);
      if (answer instanceof Response) return await this.#streams.send(connection, answer, from);
      if (this.#waitingBytes > 0 && this.#waitingBytes + answer.length > MAX_WAITING_BYTES) return;
      waiting = answer.length;
      this.#waitingBytes += waiting;
      late = setTimeout(() => close(connection), ANSWER_MS);
      for (let at = 0; at < answer.length;) at += await connection.write(answer.subarray(at));
    } catch {
      // It left, or was too late.
    } finally {
      clearTimeout(late);
      this.#waitingBytes -= waiting;
    }
  }

  /** The whole answer, head and body; a response that is a stream of events as it is. */
  async #answerTo(head: string): Promise<Uint8Array | Response> {
    const [, method, path] = QUESTION.exec(head) ?? [];
    if (method === undefined) return message(400, "Bad Request", [], new Uint8Array());
    if (method !== "GET" && method !== "HEAD") {
      return message(405, "Method Not Allowed", [["allow", "GET, HEAD"]], new Uint8Array());
    }
    const response = await this.#answer(new Request(`http://status${path}`));
    const isHead = method === "HEAD";
    if (isEventStream(response)) {
      if (!isHead) return response;
      await response.body!.cancel();
    }
    const body = isEventStream(response) ? new Uint8Array() : new Uint8Array(await response.arrayBuffer());
    return message(response.status, response.statusText, response.headers, body, isHead);
  }
}

async function readHead(connection: Deno.Conn): Promise<string> {
  const bytes = new Uint8Array(MAX_HEAD_BYTES);
  let received = 0;
  while (received < MAX_HEAD_BYTES) {
    const count = await connection.read(bytes.subarray(received));
    if (count === null) break;
    received += count;
    const text = new TextDecoder("latin1").decode(bytes.subarray(0, received));
    if (text.includes("\r\n\r\n")) return text;
  }
  return "";
}
