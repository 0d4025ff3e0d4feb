/** kill -9 of back ends under load through `dlba serve`: no idempotent request fails whose response head was not passed on. */
import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { BackEndProcess } from "./back_end_process.ts";
import { freePorts, ServeProcess } from "./harness.ts";
import { Peer } from "./peer.ts";

const CLIENTS = 48;
const BACK_ENDS = 4;
const KILLS = 4;
/** Who was found dead is passed over for 2 s: so two are at a time, and two others known to be up. */
const BETWEEN_KILLS_MS = 800;

interface Load {
  /** Answers by "status body", failures by what came instead. */
  readonly counts: Map<string, number>;
  stop: boolean;
}

/** A keep-alive client that asks again and again; every second belongs to a back end by its cookie. */
async function askOn(port: number, index: number, load: Load): Promise<void> {
  const method = ["GET", "PUT", "DELETE"][index % 3]!;
  const cookie = index % 8 < 4 ? `Cookie: SpServer=${1 + index % BACK_ENDS}\r\n` : "";
  const body = method === "PUT" ? "hello" : "";
  const request = `${method} / HTTP/1.1\r\nHost: shop\r\n${cookie}Content-Length: ${body.length}\r\n\r\n${body}`;
  const client = await Peer.connect(port);
  try {
    while (!load.stop) {
      await client.send(request);
      const answer = await client.message();
      const result = `${answer.head.slice(9, 12)} ${answer.body.trim()}`;
      load.counts.set(result, (load.counts.get(result) ?? 0) + 1);
    }
  } catch (error) {
    load.counts.set(`${error}`, 1);
  } finally {
    client.close();
  }
}

Deno.test("upstream: kill -9 of a back end under load fails no idempotent request", async () => {
  const ports = freePorts(BACK_ENDS);
  const backEnds = await Promise.all(ports.map((port) => BackEndProcess.start(port)));
  const serve = await ServeProcess.start({
    backEnds: ports,
    pool: ", persistence: { session_cookies: [sid] }",
  });
  const load: Load = { counts: new Map(), stop: false };
  const clients = Array.from({ length: CLIENTS }, (_, i) => askOn(serve.http, i, load));
  const answered = (i: number) => load.counts.get(`200 ${ports[i]}`) ?? 0;
  const perKill: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const i = kill % ports.length;
    const before = answered(i);
    await delay(BETWEEN_KILLS_MS);
    perKill.push(answered(i) - before);
    await backEnds[i]!.kill();
    // It is passed over before its successor takes its port.
    await delay(100);
    backEnds[i] = await BackEndProcess.start(ports[i]!);
  }
  load.stop = true;
  await Promise.all(clients);
  assert.equal(await serve.stop(), 0);
  await Promise.all(backEnds.map((backEnd) => backEnd.kill()));
  assert.ok(perKill.every((count) => count > 50), `each was in use when it was killed: ${perKill}`);
  const failures = [...load.counts].filter(([result]) => !ports.some((port) => result === `200 ${port}`));
  assert.deepEqual(failures, []);
});
