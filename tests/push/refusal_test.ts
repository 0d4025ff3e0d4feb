/** What a stranger, a viewer or a wrong body gets: a reason, a line in the audit log, and nothing changed. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import https from "node:https";
import { toPem } from "../../core/certificates/pem.ts";
import { certificatePem, type KeyPair, keyPem, makeCertificate, parseKeyPair } from "../../core/secrets/certificate.ts";
import { CHALLENGE } from "../../core/push/control_app.ts";
import { ROLE_UNITS } from "../../core/push/peer.ts";
import { hashOf } from "../../core/push/version.ts";
import { configText, TestArray } from "./array.ts";

const DAY_MS = 86_400_000;

interface Answer {
  readonly status: number;
  readonly text: string;
}

class Client {
  constructor(readonly array: TestArray, readonly pair: KeyPair | undefined) {}

  ask(method: string, path: string, body?: string, fields: Record<string, string> = {}): Promise<Answer> {
    const ca = Deno.readTextFileSync(`${this.array.dir}/secrets/ca.crt`);
    const own = this.pair ? { cert: certificatePem(this.pair), key: keyPem(this.pair) } : {};
    const options = {
      host: "127.0.9.10",
      port: this.array.port,
      method,
      path,
      headers: fields,
      ca,
      ...own,
      agent: false,
    };
    return new Promise((resolve, reject) => {
      const request = https.request(options, (response) => {
        let text = "";
        response.on("data", (piece: Uint8Array) => text += new TextDecoder().decode(piece));
        response.on("end", () => resolve({ status: response.statusCode!, text }));
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  async challenge(): Promise<Record<string, string>> {
    const { status, text } = await this.ask("POST", "/challenge");
    assert.equal(status, 200, text);
    return { [CHALLENGE]: (JSON.parse(text) as { challenge: string }).challenge };
  }

  /** Asks in vain: the reason is in the answer and in the audit log, and the node is as it was. */
  async refused(reason: RegExp, ...asked: Parameters<Client["ask"]>): Promise<void> {
    const node = this.array.nodes[0]!, before = JSON.stringify(node.configuration.state());
    const { status, text } = await this.ask(...asked);
    assert.ok(status >= 400 && status < 500, `${status} ${text}`);
    assert.match((JSON.parse(text) as { error: string }).error, reason);
    const last = node.audit.at(-1)!;
    assert.equal(last.outcome, "refused");
    assert.match(last.detail, reason);
    assert.equal(JSON.stringify(node.configuration.state()), before);
  }
}

function authority(array: TestArray): KeyPair {
  const read = (name: string) => Deno.readTextFileSync(`${array.dir}/secrets/${name}`);
  return parseKeyPair(read("ca.crt"), read("ca.key"));
}

function operator(by: KeyPair | undefined, now = Date.now(), unit: string = ROLE_UNITS.operator): KeyPair {
  return makeCertificate({ commonName: "eve", unit, days: 30, usages: ["clientAuth"] }, by, now);
}

/** An order to stage the text. */
function order(text: string): string {
  return JSON.stringify({ base: 0, version: { number: 1, hash: hashOf(text), time: 1, text } });
}

Deno.test("the control channel refuses forged, foreign, expired and early certificates, and none", () =>
  TestArray.with(async (array) => {
    const ca = authority(array);
    // Of the same name as ours, and signed by itself.
    const foreign = makeCertificate(
      { commonName: "dlba array test", days: 30, isAuthority: true },
      undefined,
      Date.now(),
    );
    const cases: [KeyPair | undefined, RegExp][] = [
      [undefined, /^no certificate$/],
      [operator(undefined), /the array CA did not sign/],
      [operator(foreign), /the array CA did not sign/],
      [operator(ca, Date.now() - 31 * DAY_MS), /^the certificate of eve expired: /],
      [operator(ca, Date.now() + DAY_MS), /^the certificate of eve is not valid before /],
      [operator(ca, Date.now(), "root"), /^a certificate of no known role: root$/],
    ];
    for (const [pair, reason] of cases) {
      await new Client(array, pair).refused(reason, "GET", "/state");
      await new Client(array, pair).refused(reason, "POST", "/stage", order(configText(array.port)));
    }
  }));

Deno.test("viewers and nodes look and change nothing", () =>
  TestArray.with(async (array) => {
    const viewer = new Client(array, operator(authority(array), Date.now(), ROLE_UNITS.viewer));
    assert.equal((await viewer.ask("GET", "/state")).status, 200);
    const read = (name: string) => Deno.readTextFileSync(`${array.dir}/secrets/nodes/${name}`);
    const node = new Client(array, parseKeyPair(read("b.crt"), read("b.key")));
    for (const path of ["/stage", "/commit", "/abort", "/overrides"]) {
      const text = order(configText(array.port));
      await viewer.refused(/^eve is a viewer: only operators/, "POST", path, text, await viewer.challenge());
      await node.refused(/^b is a node: only operators/, "POST", path, text, await node.challenge());
    }
  }));

Deno.test("a change is made once: replayed, with another's challenge, or with none, it is refused", () =>
  TestArray.with(async (array) => {
    const eve = new Client(array, operator(authority(array))), other = new Client(array, operator(authority(array)));
    const text = order(configText(array.port, undefined, "proxy: { workers: 2 }\n"));
    await eve.refused(/^a replayed request/, "POST", "/stage", text);
    await eve.refused(/^a replayed request/, "POST", "/stage", text, await other.challenge());
    const fields = await eve.challenge();
    assert.equal((await eve.ask("POST", "/stage", text, fields)).status, 200);
    await eve.refused(/^a replayed request/, "POST", "/stage", text, fields);
  }));

Deno.test("bodies that are too long, no order, or bombs of YAML are refused", () =>
  TestArray.with(async (array) => {
    const eve = new Client(array, operator(authority(array)));
    const stage = async (reason: RegExp, body: string) =>
      eve.refused(reason, "POST", "/stage", body, await eve.challenge());
    await eve.refused(/^a body of more than 8388608 bytes$/, "POST", "/stage", undefined, {
      "content-length": String(100 << 20),
    });
    await stage(/^a body that is no order/, "[".repeat(1 << 20));
    await stage(/^a body that is no order/, "{}");
    const laughs = Array.from({ length: 12 }, (_, i) =>
      `a${i}: &a${i} [${i === 0 ? "lol" : Array(9).fill(`*a${i - 1}`)}]`);
    await stage(/aliases that multiply each other/, order(`${configText(array.port)}${laughs.join("\n")}\n`));
    await stage(/more than 32 levels/, order(`a: ${"[".repeat(10_000)}`));
    await stage(/array\.name: found other/, order(configText(array.port).replace("name: test", "name: other")));
  }));

/** SEC 1 section C.4: the secret of one key beside the public part of another, which OpenSSL takes as it stands. */
function stolen({ key }: KeyPair, secret: KeyPair): string {
  const [{ d }, { x, y }] = [secret.key, key].map((each) => each.export({ format: "jwk" })) as [JsonWebKey, JsonWebKey];
  const [own, left, right] = [d, x, y].map((part) => Buffer.from(part!, "base64url"));
  const hex = (text: string) => Buffer.from(text, "hex");
  const curve = hex("a00a06082a8648ce3d030107");
  const body = Buffer.concat([hex("0201010420"), own!, curve, hex("a14403420004"), left!, right!]);
  return toPem("EC PRIVATE KEY", Buffer.concat([hex("30"), Buffer.from([body.length]), body]));
}

Deno.test("an operator's certificate without its key is refused in the handshake", () =>
  TestArray.with(async (array) => {
    const eve = operator(authority(array)), file = `${array.dir}/eve`;
    await Deno.writeTextFile(`${file}.crt`, certificatePem(eve));
    await Deno.writeTextFile(`${file}.key`, stolen(eve, operator(undefined)));
    const args = ["s_client", "-connect", `127.0.9.10:${array.port}`, "-cert", `${file}.crt`, "-key", `${file}.key`];
    const child = new Deno.Command("openssl", { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    // It may be gone already.
    await writer.write(new TextEncoder().encode("GET /state HTTP/1.1\r\nHost: a\r\n\r\n")).catch(() => {});
    const { stdout, stderr } = await child.output();
    await writer.close().catch(() => {});
    const said = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
    assert.match(said, /decrypt error|unexpected eof|alert/);
    assert.doesNotMatch(said, /HTTP\/1\.1 200/);
    const last = array.nodes[0]!.audit.at(-1)!;
    assert.deepEqual([last.action, last.outcome], ["connect", "refused"]);
    assert.match(last.detail, /^the handshake failed: /);
  }));
