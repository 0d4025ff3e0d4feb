/** The access log of `dlba serve`: a line a request, whole and readable, whatever came and however it ended. */
import assert from "node:assert/strict";
import { answering, RawBackEnd, type ServeProcess, withServe } from "../harness.ts";
import { eventually } from "../eventually.ts";
import { Peer } from "../peer.ts";
import { FACTOR } from "../../soak.ts";

const LOGGED = {
  config: "access_log: { file: logs/access.log }\nproxy: { request_id: X-Request-Id }",
  pool: ", persistence: { session_cookies: [sid] }, response_timeout: 300ms",
};

type Line = Readonly<Record<string, unknown>>;

function lines(serve: ServeProcess): Line[] {
  return Deno.readTextFileSync(`${serve.dir}/logs/access.log`).split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** What is the same in every run. */
function facts({ method, target, status, back_end, persistence, bytes_in, bytes_out, end }: Line): unknown[] {
  return [method, target, status, back_end, persistence, bytes_in, bytes_out, end];
}

Deno.test("access log: what a request asked, where it went, what it got, how it ended", async () => {
  const backEnd = new RawBackEnd(async (connection) => {
    const peer = new Peer(connection);
    while (true) {
      const head = await peer.until("\r\n\r\n");
      if (head.includes("/silent")) continue;
      if (head.includes("/half")) {
        await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        if (head.includes("/half/waits")) continue;
        return;
      }
      if (head.startsWith("POST")) await peer.bytes(5);
      await peer.send("HTTP/1.1 201 Made\r\nContent-Length: 3\r\n\r\nabc");
    }
  });
  await withServe([backEnd], LOGGED, async (serve) => {
    const ask = (request: string) =>
      serve.raw(request.replace(" HTTP/1.1", " HTTP/1.1\r\nHost: shop\r\nConnection: close"));
    await ask("GET /a?b=\\c HTTP/1.1\r\n\r\n");
    await ask("POST /b HTTP/1.1\r\nCookie: SpServer=1\r\nContent-Length: 5\r\n\r\nhello");
    await ask("GET /silent HTTP/1.1\r\n\r\n");
    await ask("GET /half HTTP/1.1\r\n\r\n");
    await serve.raw("GET /bad HTTP/1.1\r\nHost : shop\r\n\r\n");
    const leaver = await Peer.connect(serve.http);
    await leaver.send("GET /half/waits HTTP/1.1\r\nHost: shop\r\n\r\n");
    await eventually(() => assert.equal(serve.backEndRows(1)[0]!.responses, 4));
    // With bytes unread, its end is a reset.
    leaver.close();
    await eventually(() => assert.equal(lines(serve).length, 6));
    assert.deepEqual(lines(serve).map(facts), [
      ["GET", "/a?b=\\c", 201, 1, "none", 0, 3, "done"],
      ["POST", "/b", 201, 1, "cookie", 5, 3, "done"],
      ["GET", "/silent", 504, 1, "none", 0, 0, "own_answer"],
      ["GET", "/half", 200, 1, "none", 0, 3, "cut"],
      [undefined, undefined, 400, undefined, undefined, 0, 0, "own_answer"],
      ["GET", "/half/waits", 200, 1, "none", 0, 3, "client_gone"],
    ]);
    const [first, , silent] = lines(serve);
    assert.ok(Math.abs(Date.parse(first!["time"] as string) - Date.now()) < 60_000);
    assert.equal(first!["client"], "127.0.0.1");
    assert.equal(first!["pool"], "web");
    const phases = ["wait_us", "connect_us", "response_us", "transfer_us"].map((phase) => first![phase] as number);
    assert.ok(phases.every((phase) => phase >= 0));
    const sum = phases.reduce((one, other) => one + other, 0);
    assert.ok(Math.abs(sum - (first!["total_us"] as number)) <= phases.length, "each is rounded");
    assert.ok((silent!["total_us"] as number) >= 290_000);
  });
});

Deno.test("request ids: the log, the back end and the client have the same one, never the client's own, never one twice", async () => {
  const heads: string[] = [];
  const backEnd = new RawBackEnd(answering((head) => {
    heads.push(head);
    return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  }));
  await withServe([backEnd], LOGGED, async (serve) => {
    const one = "GET / HTTP/1.1\r\nHost: shop\r\nX-Request-ID: mine\r\n";
    const answer = await serve.raw(`${one}\r\n${one}Connection: close\r\n\r\n`);
    const ids = [...answer.matchAll(/^x-request-id: ([0-9a-f]{24})\r$/gm)].map(([, id]) => id);
    assert.equal(new Set(ids).size, 2);
    await eventually(() => assert.deepEqual(lines(serve).map((line) => line["id"]), ids));
    assert.deepEqual(heads.map((head) => /x-request-id: (.*)\r/.exec(head)![1]), ids);
    assert.ok(!heads.join("").includes("mine"));
  });
});

Deno.test("access log: a pipe that nobody reads keeps no start, no request and no end waiting", async () => {
  // Opening the pipe waited for its reader: the server never began.
  const dir = await Deno.makeTempDir();
  const file = `${dir}/pipe`;
  await new Deno.Command("mkfifo", { args: [file] }).output();
  const backEnd = new RawBackEnd(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  await withServe([backEnd], { config: `access_log: { file: ${file} }` }, async (serve) => {
    const client = await Peer.connect(serve.http);
    // More than a pipe holds: pipe(7).
    for (let i = 0; i < 500; i++) {
      await client.send(`GET /${"x".repeat(200)} HTTP/1.1\r\nHost: shop\r\n\r\n`);
      await client.message();
    }
    client.close();
  });
  await Deno.remove(dir, { recursive: true });
});

/** Text to lines; what stands behind the last line end would be a line too. */
class LineStream extends TransformStream<string, string> {
  constructor() {
    let rest = "";
    super({
      transform(text, controller) {
        const all = (rest + text).split("\n");
        rest = all.pop()!;
        for (const line of all) controller.enqueue(line);
      },
      flush: (controller) => rest === "" ? undefined : controller.enqueue(rest),
    });
  }
}

/** Resolves once the file has so many lines: what is new in it is read once. */
async function untilLines(path: string, wanted: number): Promise<void> {
  using file = Deno.openSync(path);
  const bytes = new Uint8Array(1 << 20);
  let count = 0;
  await eventually(() => {
    for (let read = file.readSync(bytes); read !== null; read = file.readSync(bytes)) {
      for (let i = 0; i < read; i++) if (bytes[i] === 10) count++;
    }
    assert.ok(count >= wanted, `${count} lines`);
  }, 20_000);
}

Deno.test("access log: complete and readable after many requests over many connections", async () => {
  const backEnd = new RawBackEnd(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  // A million in the soak.
  const requests = 10_000 * FACTOR;
  const connections = 20;
  await withServe([backEnd], LOGGED, async (serve) => {
    await Promise.all(Array.from({ length: connections }, async (_, i) => {
      const client = await Peer.connect(serve.http);
      for (let n = 0; n < requests / connections; n++) {
        await client.send(`GET /${i}/${n} HTTP/1.1\r\nHost: shop\r\n\r\n`);
        await client.message();
      }
      client.close();
    }));
    const file = `${serve.dir}/logs/access.log`;
    await untilLines(file, requests);
    const targets = new Set<string>();
    let count = 0;
    for await (
      const line of Deno.openSync(file).readable.pipeThrough(new TextDecoderStream()).pipeThrough(new LineStream())
    ) {
      const { target, status, bytes_out, end } = JSON.parse(line);
      assert.deepEqual([status, bytes_out, end], [200, 2, "done"]);
      targets.add(target);
      count++;
    }
    assert.equal(count, requests);
    assert.equal(targets.size, requests);
    assert.equal(serve.table().totals.logDropped, 0);
  });
});
