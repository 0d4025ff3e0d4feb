import assert from "node:assert/strict";
import { addSystemFolders, hasProgram } from "../../core/programs.ts";

Deno.test("addSystemFolders(): what hasProgram() finds is what runs", () => {
  // With the PATH that Debian's su gives, tools in /usr/sbin were found to be there and then could not be run.
  const path = Deno.env.get("PATH")!;
  try {
    Deno.env.set("PATH", "/usr/local/bin:/usr/bin:/bin");
    addSystemFolders();
    addSystemFolders();
    assert.equal(Deno.env.get("PATH"), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    assert.ok(hasProgram("ldconfig"));
    assert.ok(new Deno.Command("ldconfig", { args: ["--version"] }).outputSync().success);
    assert.equal(hasProgram("no-such-program"), false);
  } finally {
    Deno.env.set("PATH", path);
  }
});
