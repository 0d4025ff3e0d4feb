/** Asks a node by its control channel. */
import { Buffer } from "node:buffer";
import https from "node:https";
import * as v from "valibot";
import { Failure } from "../errors.ts";
import { CHALLENGE } from "./control_app.ts";

/** More than a version is, in JSON, bytes. */
const MAX_ANSWER_BYTES = 8 << 20;
/** Longest wait for an answer, ms; a commit waits for the roles to take the version up. */
const ANSWER_MS = 5_000;
const CHANGE_MS = 30_000;

export interface Identity {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export interface ControlAddress {
  /** Of the node. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** The node said no, and why. */
export class Refused extends Failure {
  override name = "Refused";
}

/** Nothing was heard of the node, or nothing that makes sense. */
export class Unreachable extends Failure {
  override name = "Unreachable";
}

const challengeSchema = v.object({ challenge: v.string() });

export class ControlClient {
  #agent: https.Agent;

  constructor(readonly identity: Identity) {
    const { certificate: cert, key, authority: ca } = identity;
    this.#agent = new https.Agent({ cert, key, ca, keepAlive: true, maxCachedSessions: 0 });
  }

  /** Throws {@linkcode Unreachable}, {@linkcode Refused}. */
  async get<T>(node: ControlAddress, path: string, schema: v.GenericSchema<unknown, T>, ms = ANSWER_MS): Promise<T> {
    return parsed(node, schema, await this.#ask(node, "GET", path, undefined, {}, ms));
  }

  /** Makes a change. Throws {@linkcode Unreachable}, {@linkcode Refused}. */
  async change<T>(node: ControlAddress, path: string, order: unknown, schema: v.GenericSchema<unknown, T>): Promise<T> {
    const given = await this.#ask(node, "POST", "/challenge", undefined, {}, ANSWER_MS);
    const { challenge } = parsed(node, challengeSchema, given);
    const body = Buffer.from(JSON.stringify(order));
    return parsed(node, schema, await this.#ask(node, "POST", path, body, { [CHALLENGE]: challenge }, CHANGE_MS));
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(
    { name, address, port }: ControlAddress,
    method: string,
    path: string,
    body: Buffer | undefined,
    fields: Readonly<Record<string, string>>,
    ms: number,
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Unreachable(`Node ${name} (${address}:${port}): ${why}`));
      const headers = { ...fields, "content-length": String(body?.length ?? 0) };
      const { certificate: cert, key, authority: ca } = this.identity;
      const tls = { cert, key, ca, agent: this.#agent };
      const request = https.request({ host: address, port, path, method, headers, ...tls }, (response) => {
        const pieces: Uint8Array[] = [];
        let length = 0;
        response.on("data", (piece: Uint8Array) => {
          length += piece.length;
          if (length > MAX_ANSWER_BYTES) request.destroy(new Error("an answer that is too long"));
          else pieces.push(piece);
        });
        response.on("error", (error) => fail(error.message));
        response.on("end", () => {
          clearTimeout(late);
          const text = Buffer.concat(pieces).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Refused(`Node ${name} refuses: ${reasonIn(text)}`));
        });
      });
      const late = setTimeout(() => request.destroy(new Error(`no answer within ${ms} ms`)), ms);
      request.on("error", (error) => {
        clearTimeout(late);
        fail(error.message);
      });
      request.end(body);
    });
  }
}

function parsed<T>({ name }: ControlAddress, schema: v.GenericSchema<unknown, T>, text: string): T {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (result.success) return result.output as T;
  throw new Unreachable(`Node ${name} answers, but not as this version of dlba does`);
}

function reasonIn(text: string): string {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), v.object({ error: v.string() })), text);
  return result.success ? result.output.error : "it does not say why";
}
