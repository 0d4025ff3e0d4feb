import assert from "node:assert/strict";
import { delay } from "../../core/delay.ts";
import { dlbaCommand } from "../../core/node/role.ts";
import { loadConfig } from "../../core/config/load.ts";
import { checkCopies } from "../../core/speederize/copy_check.ts";
import { SpeederizeControl } from "../../core/speederize/control.ts";
import { html, type Site, until, withSite } from "./site.ts";

/** What the control process of a node does, as long as the work takes. */
async function withControl({ dir, runDir }: Site, work: (control: SpeederizeControl) => Promise<void>): Promise<void> {
  const control = new SpeederizeControl(loadConfig(`${dir}/dlba.yaml`).speederize!, runDir, "127.0.0.1");
  const stop = new AbortController();
  const running = control.run(stop.signal, (line) => console.error(line));
  try {
    await work(control);
  } finally {
    stop.abort();
    await running;
  }
}

async function dlba({ dir }: Site, ...args: string[]): Promise<string> {
  const [program, ...rest] = dlbaCommand([...args, "--config", `${dir}/dlba.yaml`, "--node", "a"]);
  const { success, stdout, stderr } = await new Deno.Command(program!, {
    args: rest,
    env: { DLBA_RUN_DIR: `${dir}/run` },
    stdin: "null",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

const IMAGE = new Uint8Array(50_000);
const pages = {
  "/": () => html(`<img src="/static/often.png"><img src="/static/seldom.png">`, { "cache-control": "max-age=60" }),
  "/static/often.png": () => new Response(IMAGE, { headers: { "cache-control": "max-age=3600" } }),
  "/static/seldom.png": () => new Response(IMAGE, { headers: { "cache-control": "max-age=3600" } }),
};

Deno.test("auto: what is asked for often moves by itself, is reported, and cached pages are purged", async () => {
  const section = "advisor: { mode: auto, sample_percent: 100, max_urls: 1, interval: 500ms }";
  await withSite(pages, section, async (site) => {
    const page = async () => await (await site.get("/")).text();
    await withControl(site, async () => {
      await until(async () => {
        for (let i = 0; i < 5; i++) await (await site.get("/static/often.png")).arrayBuffer();
        await (await site.get("/static/seldom.png")).arrayBuffer();
        return await page() === `<img src="//cdn.example/static/often.png"><img src="/static/seldom.png">`;
      });
      const report = JSON.parse(await dlba(site, "speed", "report", "--json"));
      assert.equal(report.advice[0].path, "/static/often.png");
      assert.equal(report.mode, "auto");
      assert.ok(report.rewritten > 0);
      const text = await dlba(site, "speed", "report");
      assert.match(text, / \/static\/often\.png \([a-z ]+\)\n/);
    });
    await page();
    const before = site.requests.length;
    await page();
    assert.equal(site.requests.length, before, "the page is in the cache");
    assert.deepEqual(JSON.parse(await dlba(site, "speed", "purge", "/other/*", "--json")), { pages: 0, processes: 1 });
    assert.deepEqual(JSON.parse(await dlba(site, "speed", "purge", "/", "--json")), { pages: 1, processes: 1 });
    await page();
    assert.equal(site.requests.length, before + 1, "the page was purged");
  });
});

Deno.test("local: content stays while few ask, and moves when many do", async () => {
  const section = "local: { below: 2, above: 20 }\ncache: { max_bytes: 0 }\nadvisor: { interval: 500ms }";
  await withSite(pages, section, async (site) => {
    await withControl(site, async (control) => {
      const isLocal = async () => (await (await site.get("/")).text()).includes(`"/static/often.png`);
      assert.ok(await isLocal());
      await until(async () => {
        for (let i = 0; i < 50; i++) await isLocal();
        return !await isLocal();
      });
      await until(() => Promise.resolve(!control.decisions.toCdn));
      // Asked seldom, lest that be load.
      await until(async () => (await delay(700), await isLocal()));
    });
  });
});

Deno.test("cdn.check: a copy that fails is withdrawn, one that allows CORS takes fonts and modules too", async () => {
  let isBroken = false;
  const cdn = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    const headers = { "access-control-allow-origin": "*" };
    return isBroken || pathname.endsWith("gone.png")
      ? new Response(null, { status: 404 })
      : new Response(null, { headers });
  });
  const host = `127.0.0.1:${cdn.addr.port}`;
  const site = {
    "/": () =>
      html(`<img src="/static/a.png"><img src="/static/gone.png"><script type=module src="/static/m.js"></script>`),
    ...Object.fromEntries(
      ["/static/a.png", "/static/gone.png", "/static/m.js"].map((path) => [path, pages["/static/often.png"]]),
    ),
  };
  const entry = `{ paths: ["/static/*"], hosts: ["${host}"], check: { scheme: http, interval: 500ms } }`;
  try {
    await withSite(site, "advisor: { mode: advise, sample_percent: 100, interval: 500ms }", async (site) => {
      const page = async () => await (await site.get("/")).text();
      await withControl(site, async () => {
        const visit = async () => {
          for (const path of ["a.png", "gone.png", "m.js"]) await (await site.get(`/static/${path}`)).arrayBuffer();
        };
        const checked = `<img src="//${host}/static/a.png"><img src="/static/gone.png">` +
          `<script type=module src="//${host}/static/m.js"></script>`;
        await until(async () => (await visit(), await page() === checked));
        isBroken = true;
        await until(async () => (await page()).startsWith(`<img src="/static/a.png">`));
        isBroken = false;
        await until(async () => await page() === checked);
      });
    }, entry);
  } finally {
    await cdn.shutdown();
  }
});

Deno.test("cdn.check: to a host that is gone nothing moves, seen by pages alone, until it is there again", async () => {
  const answer = () => new Response(null);
  const listen = (port: number) => Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, answer);
  let cdn = listen(0);
  const { port } = cdn.addr;
  const entry = `{ paths: ["/static/*"], hosts: ["127.0.0.1:${port}"], check: { scheme: http, interval: 500ms } }`;
  const here = `<img src="/static/a.png"><img src="/static/b.png">`;
  const site = { "/": () => html(here) };
  try {
    // Nobody asks the array for the images: that they move it knows by its pages.
    await withSite(site, "advisor: { sample_percent: 100, interval: 500ms }", async (site) => {
      const page = async () => await (await site.get("/")).text();
      await withControl(site, async (control) => {
        const moved = here.replaceAll("/static", `//127.0.0.1:${port}/static`);
        await until(async () => await page() === moved);
        await cdn.shutdown();
        await until(async () => await page() === here);
        assert.deepEqual(control.decisions.down, [`127.0.0.1:${port}`]);
        assert.match(await dlba(site, "speed", "report"), /Without an answer, nothing moves there: 127\.0\.0\.1:/);
        cdn = listen(port);
        await until(async () => await page() === moved);
      });
    }, entry);
  } finally {
    await cdn.shutdown();
  }
});

Deno.test("checkCopies() takes no redirect, no error and no silence for a copy", async () => {
  const copy = (path: string) => ({ path, url: `https://cdn.example${path}`, host: "cdn.example", timeoutMs: 1_000 });
  const answers: Record<string, () => Response> = {
    "/ok": () => new Response(null),
    "/cors": () => new Response(null, { headers: { "access-control-allow-origin": "*" } }),
    "/one-origin": () => new Response(null, { headers: { "access-control-allow-origin": "https://shop.example" } }),
    "/gone": () => new Response(null, { status: 404 }),
    "/broken": () => {
      throw new TypeError("connection refused");
    },
  };
  const ask = (url: string | URL | Request) => Promise.resolve().then(() => answers[new URL(`${url}`).pathname]!());
  const found = await checkCopies(Object.keys(answers).map(copy), ask as typeof fetch);
  assert.deepEqual(found, { failed: ["/broken", "/gone"], cors: ["/cors"], down: [] });
});

Deno.test("checkCopies() asks a host that never answers no more than a few times, and others go on", async () => {
  const asked = new Map<string, number>();
  const ask = (url: string | URL | Request) => {
    const { host } = new URL(`${url}`);
    asked.set(host, (asked.get(host) ?? 0) + 1);
    if (host === "silent.example") return Promise.reject(new DOMException("", "TimeoutError"));
    return Promise.resolve(new Response(null, { status: host === "broken.example" ? 503 : 200 }));
  };
  const hosts = ["silent.example", "broken.example", "cdn.example"];
  const copies = Array.from({ length: 300 }, (_, i) => {
    const host = hosts[i % hosts.length]!;
    return { path: `/${i}`, url: `https://${host}/${i}`, host, timeoutMs: 1_000 };
  });
  const { failed, down } = await checkCopies(copies, ask as typeof fetch);
  assert.deepEqual(down, ["broken.example", "silent.example"]);
  // So many run at a time before the first answer is there.
  assert.ok(asked.get("silent.example")! < 12, `${asked.get("silent.example")}`);
  assert.equal(asked.get("cdn.example"), 100);
  assert.ok(failed.length < 24);
});
