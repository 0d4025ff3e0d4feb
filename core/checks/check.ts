/** One check of a back end: a TCP connection, or an HTTP answer of a status and with a text. */
import http from "node:http";
import https from "node:https";
import type { CheckConfig } from "../config/schema.ts";

/** A body is searched up to this length, bytes. */
const MOST_BODY = 65_536;

export interface CheckTarget {
  readonly address: string;
  readonly port: number;
  /** Where it is spoken to by TLS. */
  readonly tls:
    | { readonly ca: string | undefined; readonly server_name: string | undefined; readonly verify: boolean }
    | undefined;
}

/** Undefined when it succeeded, else why not. Never throws. */
export async function checkOnce(
  check: CheckConfig,
  target: CheckTarget,
  stop: AbortSignal,
): Promise<string | undefined> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(check.timeout)]);
  try {
    return check.type === "tcp" ? await checkTcp(target, signal) : await checkHttp(check, target, signal);
  } catch (error) {
    return signal.aborted
      ? `no answer within ${check.timeout} ms`
      : String(error instanceof Error ? error.message : error);
  }
}

async function checkTcp({ address, port }: CheckTarget, signal: AbortSignal): Promise<undefined> {
  const connection = await Deno.connect({ hostname: address, port, signal });
  connection.close();
}

function checkHttp(check: CheckConfig, target: CheckTarget, signal: AbortSignal): Promise<string | undefined> {
  const { address, port, tls } = target;
  const { path, host = tls?.server_name ?? address, status, body } = check;
  const options = {
    host: address,
    port,
    path,
    method: "GET",
    headers: { host, connection: "close" },
    agent: false,
    signal,
  };
  return new Promise((resolve, reject) => {
    const answered = (response: http.IncomingMessage) => {
      let text = "";
      const found = response.statusCode ?? 0;
      const isWanted = status === undefined ? found >= 200 && found < 400 : status.includes(found);
      const end = () => {
        request.destroy();
        if (!isWanted) resolve(`status ${found}`);
        else resolve(body === undefined || text.includes(body) ? undefined : `no ${JSON.stringify(body)} in its body`);
      };
      if (!isWanted || body === undefined) return end();
      response.setEncoding("latin1");
      response.on("data", (piece: string) => {
        text += piece;
        if (text.length > MOST_BODY || text.includes(body)) end();
      });
      response.on("end", end);
      response.on("error", reject);
    };
    const request = tls === undefined ? http.request(options, answered) : https.request({
      ...options,
      rejectUnauthorized: tls.verify,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.server_name === undefined ? {} : { servername: tls.server_name }),
    }, answered);
    request.on("error", reject);
    request.end();
  });
}
