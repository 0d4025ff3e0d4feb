/** `dlba demo`: a real array in network namespaces, real traffic through it, and what was seen of it. */
import { dlbaCommand } from "../../node/role.ts";
import { labsOnThisMachine, removeLab } from "../lab.ts";
import { ensureRequirements } from "../requirements.ts";
import { CLIENT_ADDRESSES, DemoArray, NODES, SCHEDULER, SITE, VIP } from "./array.ts";
import { type Client, CurlClient, FetchClient } from "./client.ts";
import { LoopbackSite } from "./loopback.ts";
import { answersBypassScheduler, fiveWayPath, NETWORK_SITE, nodeKilled, spread } from "./network_steps.ts";
import { JsonReport, type Report, TextReport } from "./report.ts";
import { expect, persistence, type Site, webServerKilled } from "./steps.ts";

export interface DemoOptions {
  /** Print one JSON object as the last line instead of text. */
  readonly json: boolean;
  /** Leave the array up. */
  readonly keep: boolean;
  /** The server role alone, on 127.0.0.1. */
  readonly loopback: boolean;
  /** Install missing Debian packages first, as root. */
  readonly install: boolean;
}

/** Name of a step, and what runs it: resolves to the evidence, throws when the step does not hold. */
type Step = readonly [name: string, run: () => Promise<string>];

/** Runs the demo; true when every step held. Throws UsageError where it cannot run. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const report = options.json ? new JsonReport() : new TextReport();
  if (options.loopback) return await loopbackDemo(report, options);
  if (Deno.uid() !== 0) {
    console.error("demo: network namespaces need root; showing the server role alone on 127.0.0.1 (--loopback)");
    return await loopbackDemo(report, options);
  }
  return await networkDemo(report, options);
}

/** Removes the arrays that `--keep` left up; returns how many there were. */
export async function removeKeptDemos(): Promise<number> {
  const prefixes = await labsOnThisMachine();
  for (const prefix of prefixes) await removeLab(prefix);
  return prefixes.length;
}

async function networkDemo(report: Report, options: DemoOptions): Promise<boolean> {
  ensureRequirements("demo", options.install);
  report.progress("making a client, a switch, 3 nodes and 3 web servers");
  const array = await DemoArray.create();
  return await guarded(() => array.lab.close(), async () => {
    const client = new CurlClient(array.lab.host("client"), VIP, SITE, array.caFile);
    const ok = await runSteps(report, [
      ["array starts", async () => {
        await array.configure();
        await array.start();
        return `client ${CLIENT_ADDRESSES.join(" and ")}; VIP ${VIP} on nodes ${NODES.join(", ")} with ${SCHEDULER} ` +
          `as scheduler; web servers web1, web2, web3; each in a network namespace of its own behind one switch`;
      }],
      ["five-way path", () => fiveWayPath(array, client)],
      ["every node serves", () => spread(array, client)],
      ["answers bypass the scheduler", () => answersBypassScheduler(array, client)],
      ["one user, one web server", () => persistence(client, NETWORK_SITE, CLIENT_ADDRESSES)],
      ["web server killed", () => webServerKilled(client, NETWORK_SITE, "web2", () => array.killWeb("web2"))],
      ["node killed", () => nodeKilled(array, client, "b")],
    ]);
    if (options.keep) {
      array.release();
      await array.lab.keep();
      report.say(howToLookAround(array));
    }
    return ok;
  }, report);
}

async function loopbackDemo(report: Report, options: DemoOptions): Promise<boolean> {
  ensureRequirements("loopback", options.install);
  report.progress("starting 3 web servers and a DLBA server on 127.0.0.1");
  const loopback = await LoopbackSite.create();
  return await guarded(() => loopback.close(), async () => {
    const client = new FetchClient(loopback.caCertificate);
    try {
      return await runSteps(report, [
        ["every web server answers", () => everyWebServer(client, loopback.site)],
        ["one user, one web server", () => persistence(client, loopback.site, [])],
        ["web server killed", () => webServerKilled(client, loopback.site, "web2", () => loopback.killWeb("web2"))],
      ]);
    } finally {
      client.close();
    }
  }, report);
}

async function everyWebServer(client: Client, site: Site): Promise<string> {
  const answers = await client.ask({ urls: [site.http, site.https].flatMap((origin) => Array(6).fill(`${origin}/`)) });
  const failed = answers.filter((answer) => answer.status !== 200);
  expect(failed.length === 0, () => `${failed.length} of ${answers.length} requests failed`);
  const webs = new Set(answers.map((answer) => answer.said!.web));
  expect(webs.size === 3, () => `only ${[...webs].join(", ")} answered`);
  return `6 requests by HTTP and 6 by HTTPS, a decision for each: answered by ${[...webs].sort().join(", ")}`;
}

/** Runs the steps in their order; the first that does not hold ends the demo. */
async function runSteps(report: Report, steps: readonly Step[]): Promise<boolean> {
  for (const [name, run] of steps) {
    report.progress(name);
    try {
      report.step({ name, ok: true, evidence: await run() });
    } catch (error) {
      report.step({ name, ok: false, evidence: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }
  return true;
}

/** Runs `work` and cleans up in every case: its end, a failure, Ctrl-C, SIGTERM. */
async function guarded(
  cleanUp: () => Promise<void>,
  work: () => Promise<boolean>,
  report: Report,
): Promise<boolean> {
  let interrupt = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(new Error("Interrupted"));
  });
  interrupted.catch(() => {});
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
  let ok = false;
  try {
    ok = await Promise.race([work(), interrupted]);
  } finally {
    await cleanUp();
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, interrupt);
    report.end(ok);
  }
  return ok;
}

function howToLookAround(array: DemoArray): string {
  const enter = (name: string) => `nsenter --net=/run/netns/${array.lab.host(name).namespace}`;
  const env = Object.entries(array.env(SCHEDULER)).map(([key, value]) => `${key}=${value}`).join(" ");
  const dlba = dlbaCommand([]).join(" ");
  return `
The array stays up. Look around:
  a request        ${enter("client")} curl --cacert ${array.caFile} --resolve ${SITE}:443:${VIP} https://${SITE}/
  the tables       ${enter(SCHEDULER)} env ${env} ${dlba} tables --config ${array.configFile} --node ${SCHEDULER}
  a shell          ${enter("client")} bash
  logs and config  ls ${array.lab.dir}
  remove it        ${dlba} demo --remove
`;
}
