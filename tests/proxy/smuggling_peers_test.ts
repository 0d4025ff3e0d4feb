/** The corpus before HAProxy and nginx too: what they refuse we do not pass on without a reason, what they let pass we refuse. */
import assert from "node:assert/strict";
import { missingPackages } from "../../core/lab/requirements.ts";
import { ServeProcess } from "./harness.ts";
import type { SmugglingCase } from "./smuggling/case.ts";
import { type Answer, ask } from "./smuggling/client.ts";
import { CORPUS } from "./smuggling/corpus.ts";
import { type Lane, Peer, PEERS } from "./smuggling/peers.ts";
import { type Record, RecordingBackEnd } from "./smuggling/recording_back_end.ts";
import { sent } from "./smuggling/verdict.ts";

/** A peer that says nothing for so long, ms, waits for more than was sent. */
const PATIENCE_MS = 1_000;
/** Strings that are on their way through a peer at a time. */
const LANES = 24;

/** Whoever serves it closes after it, so that nobody needs to wait. */
const CANARY = "GET /smuggled HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

const MISSING = missingPackages("test").filter((name) => name === "haproxy" || name === "nginx");

interface Outcome {
  readonly one: SmugglingCase;
  readonly answer: Answer;
  readonly record: Record;
}

/** Sends every string, one at a time on each lane. */
async function outcomes(lanes: readonly Lane[]): Promise<Outcome[]> {
  const waiting = CORPUS.values();
  const done: Outcome[] = [];
  await Promise.all(lanes.map(async ({ port, backEnd }) => {
    for (const one of waiting) {
      const answer = await ask(port, [sent(one, CANARY)], PATIENCE_MS);
      done.push({ one, answer, record: backEnd.take() });
    }
  }));
  return done;
}

/** What is to be refused reached the back end: as a whole request, as what is no HTTP, or as the request behind it. */
function isMiss({ one, record }: Outcome): boolean {
  return one.verdict !== "forwarded" && record.requests.length + record.malformed.length > 0;
}

/** What is to be forwarded was answered by an error, or not at all, and not because the back end could not read it. */
function isRefusal({ one, answer, record }: Outcome): boolean {
  if (one.verdict !== "forwarded" || record.malformed.length > 0) return false;
  const statuses = answer.statuses.slice(0, one.requests.length);
  return statuses.length < one.requests.length || statuses.some((status) => status >= 400);
}

function names(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ one, answer }) => `\n  ${one.name}: ${answer.statuses.join(", ")} ${answer.end}`).join("");
}

for (const peerName of PEERS) {
  Deno.test({
    name: `${peerName} refuses nothing of the smuggling corpus that we forward without a reason`,
    // Outside of the whole test run, which installs them, the machine may lack them.
    ignore: MISSING.length > 0,
    async fn() {
      const peer = await Peer.start(peerName, LANES);
      try {
        const all = await outcomes(peer.lanes);
        const misses = all.filter(isMiss);
        const refusals = all.filter(isRefusal);
        const strings = all.filter(({ one }) => one.verdict !== "forwarded").length;
        const raw = misses.filter(({ record }) => record.malformed.length > 0);
        console.log(
          `${peerName} lets ${misses.length} of ${strings} pass that we refuse, ${raw.length} of them unrepaired`,
        );
        const unexplained = refusals.filter(({ one }) => one.verdict === "forwarded" && !one.peersRefuse);
        assert.equal(unexplained.length, 0, `without a reason:${names(unexplained)}`);
      } finally {
        await peer.stop();
      }
    },
  });
}

Deno.test("serve lets nothing of the smuggling corpus pass that is to be refused", async () => {
  const backEnd = new RecordingBackEnd();
  const serve = await ServeProcess.start({ backEnds: [backEnd.port] });
  const misses = (await outcomes([{ port: serve.http, backEnd }])).filter(isMiss);
  assert.equal(await serve.stop(), 0);
  await backEnd.close();
  assert.equal(misses.length, 0, `misses:${names(misses)}`);
});
