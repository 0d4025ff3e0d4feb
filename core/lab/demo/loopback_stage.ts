/** The demo without root: the server role alone, on 127.0.0.1. */
import { type Client, FetchClient } from "./client.ts";
import { LoopbackSite } from "./loopback.ts";
import type { Stage, Step } from "./stage.ts";
import { expect, persistence, type Site, webServerKilled } from "./steps.ts";

export class LoopbackStage implements Stage {
  readonly making = "starting 3 web servers and a DLBA server on 127.0.0.1";
  readonly #loopback = new LoopbackSite();
  readonly #site = this.#loopback.site;
  #client: FetchClient | undefined;

  readonly steps: readonly Step[] = [
    ["every web server answers", () => everyWebServer(this.#client!, this.#site)],
    ["one user, one web server", () => persistence(this.#client!, this.#site, [])],
    [
      "web server killed",
      () => webServerKilled(this.#client!, this.#site, "web2", () => this.#loopback.killWeb("web2")),
    ],
  ];

  async build(): Promise<void> {
    await this.#loopback.start();
    this.#client = new FetchClient(this.#loopback.caCertificate);
  }

  async close(): Promise<void> {
    this.#client?.close();
    await this.#loopback.close();
  }
}

async function everyWebServer(client: Client, site: Site): Promise<string> {
  const answers = await client.ask({ urls: [site.http, site.https].flatMap((origin) => Array(6).fill(`${origin}/`)) });
  const failed = answers.filter((answer) => answer.status !== 200);
  expect(failed.length === 0, () => `${failed.length} of ${answers.length} requests failed`);
  const webs = new Set(answers.map((answer) => answer.said!.web));
  expect(webs.size === 3, () => `only ${[...webs].join(", ")} answered`);
  return `6 requests by HTTP and 6 by HTTPS, a decision for each: answered by ${[...webs].sort().join(", ")}`;
}
