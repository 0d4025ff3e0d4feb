/** What is needed of etcd's v3 API, by its JSON gateway: keys and values in base64, 64-bit numbers as text. */
import { Buffer } from "node:buffer";

/** An answer takes so long at most, ms; then the next endpoint is asked. */
const ANSWER_MS = 1000;
/** More than any answer to our questions is, bytes. */
const MAX_ANSWER_BYTES = 65_536;

export interface EtcdValue {
  readonly value: string;
  /** Revision of the last write. */
  readonly revision: string;
}

export interface EtcdPut {
  readonly key: string;
  readonly value: string;
  readonly lease?: string;
}

export class EtcdClient {
  #endpoints: string[];

  constructor(endpoints: readonly string[]) {
    this.#endpoints = [...endpoints];
  }

  /** Values by key; undefined where there is none. */
  async read(keys: readonly string[]): Promise<(EtcdValue | undefined)[]> {
    const success = keys.map((key) => ({ requestRange: { key: base64(key) } }));
    const answer = await this.#ask("/v3/kv/txn", { success }) as {
      responses?: { response_range?: { kvs?: { value?: string; mod_revision: string }[] } }[];
    };
    return keys.map((_, i) => {
      const found = answer.responses?.[i]?.response_range?.kvs?.[0];
      return found && { value: text(found.value ?? ""), revision: String(found.mod_revision) };
    });
  }

  /** Writes all, if none of the keys was written since it was read; true when it did. */
  async write(puts: readonly EtcdPut[], read: readonly (EtcdValue | undefined)[]): Promise<boolean> {
    const compare = puts.map(({ key }, i) => ({
      key: base64(key),
      target: "MOD",
      result: "EQUAL",
      modRevision: read[i]?.revision ?? "0",
    }));
    const success = puts.map(({ key, value, lease }) => ({
      requestPut: { key: base64(key), value: base64(value), ...(lease === undefined ? {} : { lease }) },
    }));
    return (await this.#ask("/v3/kv/txn", { compare, success }) as { succeeded?: boolean }).succeeded === true;
  }

  /** A new lease of so many seconds; returns its id. */
  async lease(seconds: number): Promise<string> {
    const { ID } = await this.#ask("/v3/lease/grant", { TTL: String(seconds) }) as { ID?: string };
    if (ID === undefined) throw new Error("etcd grants no lease");
    return String(ID);
  }

  /** Renews a lease; false where it is over. */
  async keepAlive(lease: string): Promise<boolean> {
    const { result } = await this.#ask("/v3/lease/keepalive", { ID: lease }) as { result?: { TTL?: string } };
    return Number(result?.TTL ?? 0) > 0;
  }

  async revoke(lease: string): Promise<void> {
    await this.#ask("/v3/lease/revoke", { ID: lease });
  }

  /** Throws Error where no endpoint answers. */
  async #ask(path: string, question: unknown): Promise<unknown> {
    let failure: unknown;
    for (const endpoint of [...this.#endpoints]) {
      try {
        return await post(`${endpoint}${path}`, JSON.stringify(question));
      } catch (error) {
        failure = error;
        // The one that answers is asked first next time.
        this.#endpoints.push(this.#endpoints.shift()!);
      }
    }
    throw failure;
  }
}

async function post(url: string, body: string): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    body,
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const answer = await boundedText(response);
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${answer.slice(0, 200)}`);
  return JSON.parse(answer);
}

async function boundedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`${response.url} answers with more than ${MAX_ANSWER_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function base64(plain: string): string {
  return Buffer.from(plain).toString("base64");
}

function text(coded: string): string {
  return Buffer.from(coded, "base64").toString();
}
