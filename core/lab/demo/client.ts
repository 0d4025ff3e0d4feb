/** Who asks in the demo: curl in the client's namespace, or `fetch` where only loopback is to be had. */
import type { Host } from "../host.ts";
import type { WebAnswer } from "../web_server.ts";

export interface Question {
  readonly urls: readonly string[];
  /** Sent as the Cookie field. */
  readonly cookie?: string;
  /** Local address and port to ask from. */
  readonly from?: { readonly address?: string; readonly port?: number };
  /** A connection of its own for each URL; one kept alive for all otherwise. */
  readonly connectionEach?: boolean;
  /** At most so many requests a second. */
  readonly rate?: number;
}

export interface Answer {
  /** 0 when no answer came. */
  readonly status: number;
  /** What the web server said, where it said anything. */
  readonly said: WebAnswer | undefined;
  /** Cookies set, as `name=value`. */
  readonly cookies: readonly string[];
  /** Where the request came from; 0 and "" where unknown. */
  readonly localAddress: string;
  readonly localPort: number;
}

export interface Client {
  ask(question: Question): Promise<Answer[]>;
}

/** Longest wait for one answer, s: above a SYN sent again twice (1 s, then 2 s). */
const ANSWER_TIMEOUT_S = 8;

/** curl in a host of the lab: an independent client, with real connections from real addresses. */
export class CurlClient implements Client {
  constructor(readonly host: Host, readonly vip: string, readonly site: string, readonly caFile: string) {}

  async ask(question: Question): Promise<Answer[]> {
    const marker = `--${crypto.randomUUID()}--`;
    const { from } = question;
    const args = [
      ...["curl", "--silent", "--include", "--max-time", String(ANSWER_TIMEOUT_S), "--cacert", this.caFile],
      ...["--resolve", `${this.site}:80:${this.vip}`, "--resolve", `${this.site}:443:${this.vip}`],
      ...["--write-out", `\\n${marker} %{http_code} %{local_ip} %{local_port}\\n`],
      ...(from?.address ? ["--interface", from.address] : []),
      ...(from?.port ? ["--local-port", String(from.port)] : []),
      ...(question.cookie ? ["--cookie", question.cookie] : []),
      ...(question.connectionEach ? ["--header", "Connection: close"] : []),
      ...(question.rate ? ["--rate", `${question.rate}/s`] : []),
      ...question.urls,
    ];
    const { stdout } = await this.host.run(args);
    const answers: Answer[] = [];
    let rest = stdout;
    const line = new RegExp(`\\n${marker} (\\d+) (\\S*) (-?\\d+)\\n`);
    for (let match = line.exec(rest); match; match = line.exec(rest)) {
      const text = rest.slice(0, match.index);
      rest = rest.slice(match.index + match[0].length);
      answers.push({
        status: Number(match[1]),
        said: parseAnswer(text.slice(text.indexOf("\r\n\r\n") + 4)),
        cookies: [...text.matchAll(/^set-cookie: ([^;\r]*)/gim)].map((cookie) => cookie[1]!),
        localAddress: match[2]!,
        localPort: Number(match[3]),
      });
    }
    return answers;
  }
}

/** `fetch` of this very process; for the loopback demo, which needs nothing installed. */
export class FetchClient implements Client {
  #http: Deno.HttpClient;

  constructor(caCertificate: string) {
    this.#http = Deno.createHttpClient({ caCerts: [caCertificate] });
  }

  async ask(question: Question): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const url of question.urls) {
      answers.push(await this.#askOne(url, question));
    }
    return answers;
  }

  async #askOne(url: string, { cookie, connectionEach, rate }: Question): Promise<Answer> {
    if (rate) await new Promise((resolve) => setTimeout(resolve, 1000 / rate));
    const headers = new Headers();
    if (cookie) headers.set("cookie", cookie);
    if (connectionEach) headers.set("connection", "close");
    const unknown = { localAddress: "", localPort: 0 };
    try {
      const signal = AbortSignal.timeout(ANSWER_TIMEOUT_S * 1000);
      const response = await fetch(url, { headers, client: this.#http, signal });
      const said = parseAnswer(await response.text());
      const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0]!);
      return { status: response.status, said, cookies, ...unknown };
    } catch {
      return { status: 0, said: undefined, cookies: [], ...unknown };
    }
  }

  close(): void {
    this.#http.close();
  }
}

function parseAnswer(body: string): WebAnswer | undefined {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
