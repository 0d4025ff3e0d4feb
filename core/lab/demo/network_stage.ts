/** The demo in network namespaces: every part of the array, and the frames between them. */
import { dlbaCommand } from "../../node/role.ts";
import { CLIENT_ADDRESSES, DemoArray, NODES, SCHEDULER, type SchedulerEngine, SITE, VIP } from "./array.ts";
import { CurlClient } from "./client.ts";
import { answersBypassScheduler, fiveWayPath, NETWORK_SITE, nodeKilled, spread } from "./network_steps.ts";
import type { Stage, Step } from "./stage.ts";
import { persistence, webServerKilled } from "./steps.ts";

export class NetworkStage implements Stage {
  readonly making = "making a client, a switch, 3 nodes and 3 web servers";
  readonly #array: DemoArray;
  readonly #client: CurlClient;

  constructor(engine: SchedulerEngine) {
    this.#array = new DemoArray(engine);
    this.#client = new CurlClient(this.#array.lab.host("client"), VIP, SITE, this.#array.caFile);
  }

  readonly steps: readonly Step[] = [
    ["array starts", () => this.#start()],
    ["five-way path", () => fiveWayPath(this.#array, this.#client)],
    ["every node serves", () => spread(this.#array, this.#client)],
    ["answers bypass the scheduler", () => answersBypassScheduler(this.#array, this.#client)],
    ["one user, one web server", () => persistence(this.#client, NETWORK_SITE, CLIENT_ADDRESSES)],
    ["web server killed", () => webServerKilled(this.#client, NETWORK_SITE, "web2", () => this.#array.killWeb("web2"))],
    ["node killed", () => nodeKilled(this.#array, this.#client, "b")],
  ];

  async build(): Promise<void> {
    await this.#array.lab.build();
  }

  async #start(): Promise<string> {
    await this.#array.configure();
    await this.#array.start();
    const { engine } = (await this.#array.tables()).client_ip_hash_table!;
    return `client ${CLIENT_ADDRESSES.join(" and ")}; VIP ${VIP} on nodes ${NODES.join(", ")} with ${SCHEDULER} ` +
      `as scheduler (engine ${engine}); web servers web1, web2, web3; each in a network namespace of its own behind one switch`;
  }

  async keep(): Promise<string> {
    const revived = await this.#array.bringBack().then(
      (names) => names.length > 0 ? `; ${names.join(" and ")}, killed by the demo, run again` : "",
      (error) => `, but not all that the demo killed runs again: ${error.message}`,
    );
    this.#array.release();
    await this.#array.lab.keep();
    return howToLookAround(this.#array, revived);
  }

  async close(): Promise<void> {
    await this.#array.lab.close();
  }
}

function howToLookAround(array: DemoArray, revived: string): string {
  const enter = (name: string) => `nsenter --net=/run/netns/${array.lab.host(name).namespace}`;
  const env = Object.entries(array.env(SCHEDULER)).map(([key, value]) => `${key}=${value}`).join(" ");
  const dlba = dlbaCommand([]).join(" ");
  return `
The array stays up${revived}. Look around:
  a request        ${enter("client")} curl --cacert ${array.caFile} --resolve ${SITE}:443:${VIP} https://${SITE}/
  watch it         ${enter(SCHEDULER)} ${dlba} top --config ${array.configFile}
  the tables       ${enter(SCHEDULER)} env ${env} ${dlba} tables --config ${array.configFile} --node ${SCHEDULER}
  a shell          ${enter("client")} bash
  logs and config  ls ${array.lab.dir}
  remove it        ${dlba} demo --remove
`;
}
