/** A node that was away: the sessions that began meanwhile are known there once it is back. */
import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { answering, RawBackEnd, sendAll } from "../harness.ts";
import { Peer } from "../peer.ts";
import { TwoNodes } from "../two_nodes.ts";

const BACK_ENDS = 3;
/** More than a burst of datagrams holds. */
const SESSIONS = 6_000;

/** Begins a session at `/begin/ID`, and says else which back end it is. */
function backEndOf(number: number): RawBackEnd {
  return new RawBackEnd(answering((head) => {
    const id = /^GET \/begin\/(\d+) /.exec(head)?.[1];
    const cookie = id === undefined ? "" : `Set-Cookie: sid=id${id}\r\n`;
    return `HTTP/1.1 200 OK\r\n${cookie}Content-Length: 1\r\n\r\n${number}`;
  }));
}

class Client {
  private constructor(readonly peer: Peer) {}

  static async connect(port: number, address: string): Promise<Client> {
    return new Client(await Peer.connect(port, address));
  }

  async ask(path: string, cookie = ""): Promise<string> {
    const field = cookie === "" ? "" : `Cookie: ${cookie}\r\n`;
    await sendAll(this.peer.connection, new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: x\r\n${field}\r\n`));
    return (await this.peer.message()).body;
  }
}

Deno.test("learn: a node that comes back without its memory gets to know the sessions of the others", async () => {
  const backEnds = Array.from({ length: BACK_ENDS }, (_, i) => backEndOf(i + 1));
  const array = await TwoNodes.start(
    ", persistence: { session_cookies: [sid], session_id: { mode: learn } }",
    backEnds.map(({ port }, i) => `{ key: ${i + 1}, address: "127.0.0.1:${port}" }`),
  );
  try {
    const [a, b] = array.addresses;
    const begun: string[] = [];
    await array.reboot(async () => {
      const client = await Client.connect(array.http, a!);
      for (let i = 0; i < SESSIONS; i++) begun.push(await client.ask(`/begin/${i}`));
      client.peer.close();
    });
    assert.equal(new Set(begun).size, BACK_ENDS);
    const client = await Client.connect(array.http, b!);
    let known = 0;
    await eventually(async () => {
      // Each is asked for once it is known, so that only those are counted that stay known.
      for (; known < SESSIONS; known++) assert.equal(await client.ask("/", `sid=id${known}`), begun[known], `${known}`);
    }, 20_000);
    client.peer.close();
  } finally {
    await array.stop();
    for (const backEnd of backEnds) await backEnd.close();
  }
});
