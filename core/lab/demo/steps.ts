/** Steps that hold at every DLBA server, in namespaces and on loopback alike. Each throws when it does not hold. */
import type { Answer, Client } from "./client.ts";

export interface Site {
  /** Origin of the cleartext side, as "http://shop.test". */
  readonly http: string;
  /** Origin of the encrypted side. */
  readonly https: string;
}

const PERSISTENT_REQUESTS = 12;
const KILL_REQUESTS = 120;
const KILL_RATE = 100;
/** The web server dies so long after the requests began, ms. */
const KILL_AFTER_MS = 400;

/** Throws with `message` unless the condition holds. */
export function expect(condition: boolean, message: () => string): void {
  if (!condition) throw new Error(message());
}

/** One user, one web server: over HTTP and HTTPS, and from every address of the client. */
export async function persistence(client: Client, site: Site, addresses: readonly string[]): Promise<string> {
  const [login] = await client.ask({ urls: [`${site.https}/login`] });
  const web = login?.said?.web;
  expect(web !== undefined, () => `/login answered ${login?.status ?? "nothing"}`);
  const injected = login!.cookies.find((cookie) => cookie.startsWith("SpServer="));
  expect(injected !== undefined, () => `no SpServer cookie beside the session's: ${login!.cookies.join(", ")}`);
  const cookie = login!.cookies.join("; ");

  const answers: Answer[] = [];
  const froms = addresses.length > 0 ? addresses.map((address) => ({ address })) : [undefined];
  for (const origin of [site.http, site.https]) {
    for (const from of froms) {
      const urls = Array<string>(PERSISTENT_REQUESTS / froms.length / 2).fill(`${origin}/cart`);
      answers.push(...await client.ask({ urls, cookie, connectionEach: true, ...(from ? { from } : {}) }));
    }
  }
  const strays = answers.filter((answer) => answer.status !== 200 || answer.said?.web !== web);
  expect(
    strays.length === 0 && answers.length === PERSISTENT_REQUESTS,
    () =>
      `${strays.length} of ${answers.length} requests of ${web}'s user went astray: ` +
      strays.map((stray) => `${stray.status} by ${stray.said?.web}`).join(", "),
  );
  const hidden = answers.every((answer) => !answer.said?.cookie?.includes("SpServer"));
  expect(hidden, () => "the application saw the SpServer cookie");
  const peers = new Set(answers.map((answer) => answer.said!.peer));
  return `the login over HTTPS was answered by ${web}, which began a session; dlba added ${injected}. ` +
    `${answers.length} more requests, half over HTTP and half over HTTPS` +
    (addresses.length > 1 ? `, from ${addresses.join(" and ")}` : "") +
    (peers.size > 1 ? `, through ${peers.size} nodes` : "") + `: all answered by ${web}`;
}

/** A web server dies while requests come: no client sees an error. */
export async function webServerKilled(client: Client, site: Site, web: string, kill: () => void): Promise<string> {
  const urls = Array<string>(KILL_REQUESTS).fill(`${site.http}/`);
  const asking = client.ask({ urls, rate: KILL_RATE });
  await new Promise((resolve) => setTimeout(resolve, KILL_AFTER_MS));
  kill();
  const answers = await asking;
  const failed = answers.filter((answer) => answer.status !== 200);
  expect(
    failed.length === 0 && answers.length === KILL_REQUESTS,
    () => `${failed.length} of ${answers.length} requests failed: ${failed.map((answer) => answer.status).join(" ")}`,
  );
  const last = answers.findLastIndex((answer) => answer.said?.web === web);
  expect(last >= 0, () => `${web} answered nothing before it was killed`);
  expect(last < answers.length - 20, () => `${web} still answered request ${last + 1} of ${answers.length}`);
  const others = new Set(answers.slice(last + 1).map((answer) => answer.said?.web));
  return `${web} was killed (SIGKILL) after its answer ${last + 1} of ${answers.length}; the rest went to ` +
    `${[...others].sort().join(" and ")}. Errors seen by the client: 0`;
}
