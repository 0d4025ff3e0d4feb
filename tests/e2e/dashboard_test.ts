/** The dashboard in a real browser, on an array of three nodes. */
import assert from "node:assert/strict";
import { whyNoNamespaces } from "../../core/lab/namespaces.ts";
import { Browser } from "../browser.ts";
import { ElectedArray } from "./elected_array.ts";

const ignore = whyNoNamespaces() !== undefined;
const NODES = ["a", "b", "c"];
const LOOKS = {
  light: { width: 1280, height: 900 },
  dark: { width: 1280, height: 900, dark: true },
  phone: { width: 390, height: 844 },
};
const axe = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

Deno.test({
  name: "the dashboard shows the array as it is, asks for nothing outside, and can be used by everybody",
  ignore,
  async fn(t) {
    const array = await ElectedArray.start(NODES, "pcap");
    const { client } = array;
    // A server's own page: it finds the scheduler and the others.
    const scheduler = array.owner()!, watched = NODES.find((name) => name !== scheduler)!;
    const victim = NODES.find((name) => name !== scheduler && name !== watched)!;
    const url = `http://${array.lab.host(watched).address}:7600/`;
    try {
      await using browser = await Browser.start((command) => client.command(command).slice(1));
      for (const [name, look] of Object.entries(LOOKS)) {
        await t.step(
          `${name}: no error in the console, nothing serious for axe-core, no wider than the screen`,
          async () => {
            await browser.open(url, look);
            await browser.until("document.querySelector('svg') && document.querySelector('canvas')");
            await browser.until(`document.querySelectorAll("tbody tr").length >= ${NODES.length}`);
            await browser.evaluate(`${axe}; 0`);
            const violations = await browser.evaluate<Violation[]>("axe.run().then(({ violations }) => violations)");
            const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
            assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes[0]!.html]), []);
            assert.ok(await browser.evaluate<number>("document.documentElement.scrollWidth") <= look.width);
            const background = await browser.evaluate<string>("getComputedStyle(document.body).backgroundColor");
            assert.equal(background, name === "dark" ? "rgb(18, 21, 26)" : "rgb(246, 247, 249)");
            assert.deepEqual(browser.errors, []);
          },
        );
      }

      await t.step("it shows what the tables have, and where a client's frames go", async () => {
        await array.ask(20);
        const tables = await array.tables(scheduler);
        await browser.open(`http://${array.lab.host(scheduler).address}:7600/`, LOOKS.light);
        await browser.until(`document.title.startsWith("test: ")`);
        const cells = await browser.evaluate<string[][]>(
          `[...document.querySelectorAll("table")[0].querySelectorAll("tbody tr")].map((row) => [...row.cells].slice(0, 4).map((cell) => cell.textContent))`,
        );
        assert.deepEqual(
          cells,
          tables.server_status.map(({ name, state, ip_groups }) => [
            name,
            name === scheduler ? "scheduler" : "server",
            state,
            String(ip_groups),
          ]),
        );
        assert.match(
          await browser.evaluate("document.querySelector('svg').getAttribute('aria-label')"),
          /^Pentaflow: clients to/,
        );
        await browser.evaluate(`{
          const [address, port] = document.forms[0].elements;
          address.value = "10.72.0.201";
          port.value = "40000";
          document.forms[0].requestSubmit();
        }`);
        await browser.until("/Bucket \\d+, node .*because/.test(document.body.innerText)");
      });

      await t.step("a node that dies is seen stale within two refreshes", async () => {
        await array.lab.host(victim).die();
        const died = performance.now();
        await browser.until(`document.querySelector("tr.stale")?.cells[0].textContent === "${victim}"`);
        const seconds = (performance.now() - died) / 1000;
        assert.ok(seconds < 6, `stale after ${seconds} s`);
        await browser.until(`document.body.innerText.includes("node ${victim} is failed")`);
      });

      await t.step("it says when its own node is gone", async () => {
        await array.lab.host(scheduler).die();
        await browser.until(`document.querySelector("[role=alert]")`);
      });

      const hosts = new Set(browser.requests.filter((url) => !url.startsWith("data:")).map((url) => new URL(url).host));
      assert.deepEqual(
        [...hosts].sort(),
        [watched, scheduler].map((name) => `${array.lab.host(name).address}:7600`).sort(),
      );
    } finally {
      await array.lab.close();
    }
  },
});
