/** Back ends that fail: left out by the requests that fail there, or by checks of the control process. */
import assert from "node:assert/strict";
import { Mapping } from "../../ffi/mapping.ts";
import { BackEndWatch } from "../../core/checks/back_end_watch.ts";
import { loadConfig } from "../../core/config/load.ts";
import { BackEndControl, backEndControlFile } from "../../core/proxy/back_end_control.ts";
import { eventually } from "./eventually.ts";
import { answering, RawBackEnd, type ServeProcess, withServe } from "./harness.ts";

/** Answers by its number, or by 500 while it is told to fail; its health page says the same. */
class Moody {
  isFailing = false;
  readonly #backEnd: RawBackEnd;

  constructor(number: number) {
    this.#backEnd = new RawBackEnd(
      answering(() =>
        this.isFailing
          ? "HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\n0"
          : `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${number}`
      ),
    );
  }

  get port(): number {
    return this.#backEnd.port;
  }

  close(): Promise<void> {
    return this.#backEnd.close();
  }
}

function moody(count: number): Moody[] {
  return Array.from({ length: count }, (_, i) => new Moody(i + 1));
}

/** The numbers of the back ends that answered, "0" for a failure and "-" for an answer of ours. */
async function askMany(serve: ServeProcess, count: number, cookie = ""): Promise<string> {
  let answers = "";
  for (let i = 0; i < count; i++) {
    const answer = await serve.raw(`GET / HTTP/1.1\r\nHost: x\r\n${cookie}Connection: close\r\n\r\n`);
    answers += answer.startsWith("HTTP/1.1 503 ") ? "-" : answer.at(-1);
  }
  return answers;
}

/** Runs the control process's part beside a server. */
async function watching(serve: ServeProcess, work: () => Promise<void>): Promise<void> {
  const config = loadConfig(`${serve.dir}/dlba.yaml`);
  const mapping = Mapping.create(`${serve.dir}/run/test/a/${backEndControlFile(config)}`, BackEndControl.bytes(config));
  const stop = new AbortController();
  const control = new BackEndControl(mapping.buffer, config);
  const watch = new BackEndWatch({ config, configFile: `${serve.dir}/dlba.yaml`, control, log: () => {} });
  const running = watch.run(stop.signal);
  try {
    await work();
  } finally {
    stop.abort();
    await running;
    mapping.close();
  }
}

Deno.test("ejection: a back end whose requests fail is left out, and comes back little by little", async () => {
  const backEnds = moody(3);
  await withServe(backEnds, { pool: ", ejection: { failures: 3, time: 1s }" }, async (serve) => {
    backEnds[0]!.isFailing = true;
    const answers = await askMany(serve, 30);
    assert.equal(answers.split("0").length - 1, 3, answers);
    assert.equal(serve.backEndRows(3)[0]!.ejections, 1);
    backEnds[0]!.isFailing = false;
    await eventually(async () => assert.match(await askMany(serve, 1), /1/), 10_000);
    await eventually(async () => assert.ok((await askMany(serve, 9)).split("1").length >= 4), 10_000);
  });
});

Deno.test("ejection: one that fails again at once is left out for longer", async () => {
  const backEnds = moody(2);
  await withServe(backEnds, { pool: ", ejection: { failures: 1, time: 300ms, max_time: 600ms }" }, async (serve) => {
    backEnds[0]!.isFailing = true;
    const begun = performance.now();
    await eventually(async () => {
      await askMany(serve, 1);
      assert.ok(serve.backEndRows(2)[0]!.ejections >= 4);
    }, 10_000);
    // 300, 600 and 600 ms lie between the four.
    assert.ok(performance.now() - begun >= 1_500);
  });
});

Deno.test("ejection: at most half of a pool is left out, and never the last", async () => {
  const backEnds = moody(3);
  await withServe(backEnds, { pool: ", ejection: { failures: 2, time: 5m }" }, async (serve) => {
    for (const backEnd of backEnds) backEnd.isFailing = true;
    await askMany(serve, 30);
    assert.equal(serve.backEndRows(3).reduce((sum, { ejections }) => sum + ejections, 0), 1);
  });
  const [alone] = moody(1);
  await withServe([alone!], { pool: ", ejection: { failures: 1, time: 5m }" }, async (serve) => {
    alone!.isFailing = true;
    assert.equal(await askMany(serve, 5), "00000");
    alone!.isFailing = false;
    assert.equal(await askMany(serve, 2), "11");
  });
});

const CHECKED = "check: { type: http, path: /health, interval: 50ms, rise: 1, fall: 1";

Deno.test("checks: a back end whose check fails gets no requests, not even of its own users, until it succeeds again", async () => {
  const backEnds = moody(2);
  await withServe(backEnds, { pool: `, persistence: { session_cookies: [sid] }, ${CHECKED} }` }, async (serve) => {
    await watching(serve, async () => {
      backEnds[0]!.isFailing = true;
      await eventually(async () => assert.equal(await askMany(serve, 4), "2222"), 10_000);
      assert.equal(await askMany(serve, 2, "Cookie: SpServer=1\r\n"), "22");
      backEnds[0]!.isFailing = false;
      await eventually(async () => assert.equal(await askMany(serve, 2, "Cookie: SpServer=1\r\n"), "11"), 10_000);
    });
  });
});

for (const [rule, expected] of [["", "000"], [", fail_closed: true", "---"]] as const) {
  Deno.test(`checks: where all fail${rule}, requests get ${expected === "000" ? "through" : "503"}`, async () => {
    const backEnds = moody(2);
    await withServe(backEnds, { pool: `, ${CHECKED}${rule} }` }, async (serve) => {
      await watching(serve, async () => {
        assert.match(await askMany(serve, 2), /^[12]{2}$/);
        for (const backEnd of backEnds) backEnd.isFailing = true;
        await eventually(async () => assert.equal(await askMany(serve, 3), expected), 10_000);
      });
    });
  });
}

Deno.test("load: an agent's percentage is the part of its weight that a back end gets", async () => {
  const agent = new RawBackEnd(async (connection) => {
    await connection.write(new TextEncoder().encode("10%\n"));
  });
  const backEnds = moody(2);
  const options = { backEnd: [`, agent_port: ${agent.port}`, ""], pool: ", load_interval: 50ms" };
  await withServe(backEnds, options, async (serve) => {
    await watching(serve, async () => {
      await eventually(async () => {
        const ones = (await askMany(serve, 22)).split("1").length - 1;
        assert.ok(ones >= 1 && ones <= 3, `${ones}`);
      }, 10_000);
    });
  });
  await agent.close();
});
