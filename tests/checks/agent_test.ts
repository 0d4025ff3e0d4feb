import assert from "node:assert/strict";
import { agentFraction, askAgent, loadFraction } from "../../core/checks/agent.ts";
import { RawBackEnd } from "../proxy/harness.ts";

Deno.test("agentFraction() is the percentage of an agent's line, and never 0", () => {
  assert.equal(agentFraction("75%\n"), 0.75);
  assert.equal(agentFraction(" 100% \r\nmore"), 1);
  assert.equal(agentFraction("0%\n"), 0.05);
  for (const line of ["", "75", "75 %", "101%", "-1%", "1e1%", "drain", "\0%"]) {
    assert.equal(agentFraction(line), undefined);
  }
});

Deno.test("loadFraction() is what a machine has left, and never 0", () => {
  assert.deepEqual([0, 40, 100, 250, -5].map(loadFraction), [1, 0.6, 0.05, 0.05, 1]);
});

Deno.test("askAgent() takes one line, and nothing of who says none", async () => {
  const said = async (text: string) => {
    const agent = new RawBackEnd(async (connection) => {
      await connection.write(new TextEncoder().encode(text));
    });
    const found = await askAgent("127.0.0.1", agent.port, AbortSignal.timeout(2_000));
    await agent.close();
    return found;
  };
  assert.equal(await said("60%\n"), 0.6);
  assert.equal(await said("60%"), 0.6);
  assert.equal(await said("x".repeat(10_000)), undefined);
  const silent = new RawBackEnd(() => new Promise((resolve) => setTimeout(resolve, 400)));
  assert.equal(await askAgent("127.0.0.1", silent.port, AbortSignal.timeout(200)), undefined);
  await silent.close();
  assert.equal(await askAgent("127.0.0.1", silent.port, AbortSignal.timeout(200)), undefined, "nobody listens");
});
