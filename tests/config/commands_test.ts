/** What commands say when the world is not as they need it: one line. */
import assert from "node:assert/strict";
import { dlba, run } from "./dlba.ts";

const SETUP = new URL("../../core/lab/setup.ts", import.meta.url).pathname;

/** A config whose only node is this machine; no address of an array is needed to ask it for its tables. */
function configText(statusPort: number): string {
  return `array: { name: test, vip: 10.0.0.1 }
nodes: [{ id: 0, name: a, address: 127.0.0.1/1, mac: "02:00:00:00:00:0a", interface: eth0 }]
pools: [{ name: web, back_ends: [{ key: 1, address: "10.0.0.2:80" }] }]
control: { status_port: ${statusPort} }
`;
}

Deno.test("tables names a port that answers with something else", async () => {
  // `{}` was taken for tables: reading them ended with a stack.
  let body = "";
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(body));
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, configText(server.addr.port));
  const row =
    '{"array":"a","node":"a","scheduler":"a","epoch":0,"last_sweep":null,"client_ip_hash_table":null,"server_status":[{}],"back_ends":[],' +
    '"requests":{"clients_open":0,"requests":0,"own_answers":0,"unknown_back_end":0,"rate_limited":0,"log_dropped":0},' +
    '"web_server_summary":null,' +
    '"certificates":[],"speederize":null}';
  for (body of ["{}", "garbage", "", "null", row]) {
    for (const flags of [[], ["--json"]]) {
      const { code, stdout, stderr } = await dlba("tables", "--config", file, "--node", "a", ...flags);
      assert.match(stderr, /^http:\S+ answers, but not with tables: .*\n$/);
      assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    }
  }
  body = row.replace("[{}]", "[]");
  assert.equal((await dlba("tables", "--config", file, "--node", "a", "--json")).stdout, `${body}\n`);
  await server.shutdown();
  await Deno.remove(file);
});

Deno.test("dlba and dlba cert by themselves say what there is", async () => {
  // Nothing was printed.
  for (const command of [[], ["cert"]]) {
    const { code, stdout } = await dlba(...command);
    assert.deepEqual([code, stdout], [0, (await dlba(...command, "--help")).stdout]);
    assert.match(stdout, /^COMMANDS$/m);
  }
});

Deno.test("setup names a mode that it does not know", async () => {
  // `deno task setup bogus` ended with a stack.
  const { code, stderr } = await run(Deno.execPath(), ["run", "-A", "--no-check", SETUP, "bogus"]);
  assert.equal(stderr, "setup: No mode bogus: it is one of loopback, unit, demo, test, bench\n");
  assert.equal(code, 2);
});
