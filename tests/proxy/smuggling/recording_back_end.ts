/** A back end that keeps every byte it gets, and answers what is a request. */
import { fromLatin1, latin1, RawBackEnd, sendAll } from "../harness.ts";
import { readRequest, type SeenRequest } from "./strict_request.ts";

const OK = latin1("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

/** What arrived since the last {@linkcode RecordingBackEnd.take}. */
export interface Record {
  /** All bytes, whatever they are. */
  readonly bytes: string;
  /** Whole requests, in the order of their ends. */
  readonly requests: readonly SeenRequest[];
  /** What was no HTTP to the strict reader. */
  readonly malformed: readonly string[];
}

export class RecordingBackEnd {
  #bytes = "";
  #requests: SeenRequest[] = [];
  #malformed: string[] = [];
  readonly #server: RawBackEnd;

  constructor(port = 0) {
    this.#server = new RawBackEnd((connection) => this.#serve(connection), port);
  }

  get port(): number {
    return this.#server.port;
  }

  /** What arrived so far; the record begins anew. */
  take(): Record {
    const record = { bytes: this.#bytes, requests: this.#requests, malformed: this.#malformed };
    this.#bytes = "";
    this.#requests = [];
    this.#malformed = [];
    return record;
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let text = "";
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      const piece = fromLatin1(buffer.subarray(0, count));
      this.#bytes += piece;
      text += piece;
      for (let reading = readRequest(text); reading.kind !== "incomplete"; reading = readRequest(text)) {
        if (reading.kind === "malformed") {
          this.#malformed.push(reading.why);
          return;
        }
        this.#requests.push(reading.request);
        text = reading.rest;
        await sendAll(connection, OK);
      }
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
