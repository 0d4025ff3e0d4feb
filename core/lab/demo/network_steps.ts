/** Steps that need the network: the frames' way through scheduler, node and switch. Each throws when it does not hold. */
import type { TablesReport } from "../../status/tables.ts";
import { BIG_BYTES } from "../web_server.ts";
import { bucketOf, CLIENT_ADDRESSES, type DemoArray, NODES, SCHEDULER, SITE, VIP, waitFor } from "./array.ts";
import type { Answer, CurlClient } from "./client.ts";
import { expect, type Site } from "./steps.ts";
import { type PortCount, Witness } from "./witness.ts";

export const NETWORK_SITE: Site = { http: `http://${SITE}`, https: `https://${SITE}` };

const SPREAD_REQUESTS = 30;
const AFTER_DEATH_REQUESTS = 40;

/** The five-way path, once in clear and once encrypted, each stage named by somebody who saw it. */
export async function fiveWayPath(array: DemoArray, client: CurlClient): Promise<string> {
  const lines: string[] = [];
  for (const origin of [NETWORK_SITE.http, NETWORK_SITE.https]) {
    const { answer, tables, node } = await servedElsewhere(array, () => client.ask({ urls: [`${origin}/`] }));
    const { localAddress, localPort, said } = answer;
    expect(node === array.nodeAt(said!.peer), () => `the table says ${node}, ${said!.peer} asked the web server`);
    lines.push(
      `${origin}/ from ${localAddress}:${localPort}: bucket ${bucketOf(tables, localAddress, localPort)}, ` +
        `scheduled by ${tables.scheduler} to ${node}, served by ${node} (${said!.peer} asked the web server), ` +
        `answered by ${said!.web}`,
    );
  }
  return lines.join("\n");
}

/** Asks until a node other than the scheduler's own served: each connection has another port, and so another bucket. */
async function servedElsewhere(
  array: DemoArray,
  ask: () => Promise<Answer[]>,
): Promise<{ answer: Answer; tables: TablesReport; node: string }> {
  for (let attempt = 0; attempt < 2 * NODES.length; attempt++) {
    const [answer] = await ask();
    expect(answer?.status === 200, () => `answered ${answer?.status ?? "nothing"}`);
    const tables = await array.tables();
    const node = array.nodeOf(tables, answer!.localAddress, answer!.localPort);
    if (node !== undefined && node !== SCHEDULER) return { answer: answer!, tables, node };
  }
  throw new Error("every connection was served by the scheduler's own node");
}

/** Connections spread over every node, the scheduler's own included. */
export async function spread(array: DemoArray, client: CurlClient): Promise<string> {
  const urls = Array<string>(SPREAD_REQUESTS).fill(`${NETWORK_SITE.http}/`);
  const answers = await client.ask({ urls, connectionEach: true });
  expectAllAnswered(answers, SPREAD_REQUESTS);
  const served = NODES.map((name) => answers.filter((answer) => array.nodeAt(answer.said!.peer) === name).length);
  expect(served.every((count) => count > 0), () => `connections by node: ${served.join(", ")}`);
  const { server_status } = await array.tables();
  return `${SPREAD_REQUESTS} connections: ${NODES.map((name, i) => `${name} served ${served[i]}`).join(", ")}; ` +
    `IP groups: ${server_status.map((row) => `${row.name} ${row.ip_groups}`).join(", ")}`;
}

/** Frames counted by the switch: requests come in through the scheduler, answers do not go back through it. */
export async function answersBypassScheduler(array: DemoArray, client: CurlClient): Promise<string> {
  const witness = await Witness.place(array.lab, VIP, CLIENT_ADDRESSES);
  let frames = new Map<string, PortCount>();
  const { node } = await servedElsewhere(array, async () => {
    let answers: Answer[] = [];
    frames = await witness.during(async () => {
      answers = await client.ask({ urls: [`${NETWORK_SITE.https}/big`] });
    });
    return answers;
  });
  const at = (name: string): PortCount => frames.get(name)!;
  const least = BIG_BYTES / 65_536;
  expect(at(SCHEDULER).fromVip === 0, () => `${at(SCHEDULER).fromVip} answer frames came from the scheduler`);
  expect(at(node).fromVip >= least, () => `${node} sent only ${at(node).fromVip} answer frames`);
  expect(
    at("client").toVip > 0 && at(SCHEDULER).toVip === at("client").toVip,
    () => `the client sent ${at("client").toVip} frames to the VIP, the scheduler passed on ${at(SCHEDULER).toVip}`,
  );
  return `the switch's own counters over ${BIG_BYTES} bytes by HTTPS: client to VIP ${at("client").toVip} frames, ` +
    `passed on by scheduler ${SCHEDULER} ${at(SCHEDULER).toVip}; from the VIP to the client: by ${node} ` +
    `${at(node).fromVip} frames, by scheduler ${SCHEDULER} ${at(SCHEDULER).fromVip}`;
}

/** A node dies: its buckets move to the others, and new connections are served. */
export async function nodeKilled(array: DemoArray, client: CurlClient, victim: string): Promise<string> {
  const groups = async () => {
    const { server_status } = await array.tables();
    return new Map(server_status.map((row) => [row.name, row]));
  };
  const before = await groups();
  const held = before.get(victim)!.ip_groups;
  expect(held > 0, () => `${victim} held no bucket`);
  await array.killNode(victim);
  const died = performance.now();
  await waitFor(`the buckets of ${victim} to be taken from it`, async () => (await groups()).get(victim)!.failed);
  const noticed = performance.now() - died;
  const urls = Array<string>(AFTER_DEATH_REQUESTS).fill(`${NETWORK_SITE.https}/`);
  const answers = await client.ask({ urls, connectionEach: true });
  expectAllAnswered(answers, AFTER_DEATH_REQUESTS);
  const after = await groups();
  expect(after.get(victim)!.ip_groups === 0, () => `${victim} still holds ${after.get(victim)!.ip_groups} buckets`);
  const survivors = NODES.filter((name) => name !== victim);
  return `${victim} died (link down, every process killed) holding ${held} buckets; marked failed after ` +
    `${(noticed / 1000).toFixed(1)} s, it holds 0. IP groups: ` +
    survivors.map((name) => `${name} ${before.get(name)!.ip_groups} -> ${after.get(name)!.ip_groups}`).join(", ") +
    `. ${AFTER_DEATH_REQUESTS} new HTTPS connections: all answered by ${survivors.join(" and ")}`;
}

function expectAllAnswered(answers: readonly Answer[], count: number): void {
  const failed = answers.filter((answer) => answer.status !== 200);
  expect(
    failed.length === 0 && answers.length === count,
    () =>
      `${count - answers.length + failed.length} of ${count} requests failed: ${failed.map((a) => a.status).join(" ")}`,
  );
}
