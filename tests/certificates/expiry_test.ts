/** Certificates that run out: said by check, by serve and by the tables. */
import assert from "node:assert/strict";
import { makeSelfSigned } from "../../core/certificates/self_signed.ts";
import { dlbaCommand, READY } from "../../core/node/role.ts";
import { CertificatesInService } from "../../core/proxy/certificate_files.ts";
import { certificatePem, keyPem, makeCertificate } from "../../core/secrets/certificate.ts";
import { certificateRows } from "../../core/status/certificates.ts";
import { dlba } from "../config/dlba.ts";
import { freePorts } from "../proxy/harness.ts";
import { inFolder } from "./witness.ts";

const DAY_MS = 86_400_000;

async function writePair(dir: string, days: number): Promise<void> {
  const pair = makeSelfSigned(["shop.example", "192.0.2.10"], { keyType: "ec", days }, Date.now() + 60_000);
  await Deno.writeTextFile(`${dir}/a.key`, keyPem(pair));
  await Deno.writeTextFile(`${dir}/a.crt`, certificatePem(pair));
}

/** A config of this machine alone. */
async function writeConfig(dir: string, pairs = "{ cert: a.crt, key: a.key }"): Promise<void> {
  const [http, https, status] = freePorts(3);
  await Deno.writeTextFile(
    `${dir}/dlba.yaml`,
    `array: { name: test, vip: 10.0.0.1, ports: { http: ${http}, https: ${https} } }
nodes: [{ id: 0, name: a, address: 127.0.0.1/1, mac: "02:00:00:00:00:0a", interface: eth0 }]
pools: [{ name: web, back_ends: [{ key: 1, address: "10.0.0.2:80" }] }]
tls: { certificates: [${pairs}] }
control: { status_port: ${status} }
`,
  );
}

Deno.test("check warns of a certificate that expires soon, and still accepts", async () => {
  await inFolder(async (dir) => {
    await writePair(dir, 10);
    await writeConfig(dir);
    const { code, stdout, stderr } = await dlba("check", `${dir}/dlba.yaml`);
    assert.equal(code, 0);
    assert.match(stdout, /: ok, array test: /);
    assert.match(
      stderr,
      /^warning: \S+dlba\.yaml:4:\d+: tls\.certificates\[0\]\.cert: found a\.crt \(expires in 10 days, on .*\), expected a certificate that is renewed in time\n$/,
    );
    const json = await dlba("check", "--json", `${dir}/dlba.yaml`);
    const { ok, findings, warnings } = JSON.parse(json.stdout);
    assert.deepEqual([json.code, json.stderr, ok, findings, warnings.length], [0, "", true, [], 1]);
    await writePair(dir, 15);
    assert.equal((await dlba("check", `${dir}/dlba.yaml`)).stderr, "");
    // One that has expired is an error, and said once.
    await writePair(dir, -1);
    const expired = await dlba("check", `${dir}/dlba.yaml`);
    assert.equal(expired.code, 2);
    assert.match(expired.stderr, /^\S+: tls\.certificates\[0\]\.cert: found a\.crt \(expired on .*\), expected .*\n$/);
  });
});

interface Role {
  readonly child: Deno.ChildProcess;
  readonly said: () => string;
}

async function start(dir: string, role: string, ...flags: string[]): Promise<Role> {
  const [program, ...args] = dlbaCommand([role, "--config", `${dir}/dlba.yaml`, "--node", "a", ...flags]);
  const env = { DLBA_RUN_DIR: `${dir}/run` };
  const child = new Deno.Command(program!, { args, env, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  let said = "";
  (async () => {
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) said += part;
  })();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  assert.ok(value?.includes(READY), `${role} said ${value} ${said}`);
  return { child, said: () => said };
}

async function until(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(what());
}

Deno.test("serve warns at start and at renewal, and the tables have what is in service", async () => {
  await inFolder(async (dir) => {
    await writePair(dir, 10);
    await writeConfig(dir);
    const status = await start(dir, "statusd");
    const tables = async (...flags: string[]) =>
      (await dlba("tables", "--config", `${dir}/dlba.yaml`, ...flags)).stdout;
    assert.deepEqual(JSON.parse(await tables("--json")).certificates, [], "nobody serves yet");
    const roles = [await start(dir, "serve", "--listen", "127.0.0.1")];
    roles.push(await start(dir, "serve", "--listen", "127.0.0.1", "--worker", "1"));
    const [first, second] = roles;
    const warning = /^serve: warning: the certificate \S+a\.crt expires in 10 days, on .* UTC$/m;
    await until(() => warning.test(first!.said()), first!.said);
    assert.doesNotMatch(second!.said(), /warning/, "once a node");

    const { certificates: [row, ...others] } = JSON.parse(await tables("--json"));
    assert.deepEqual(others, []);
    const { file, subject, names, issuer, key, days_left, processes, fingerprint_sha256 } = row;
    assert.deepEqual({ file, subject, names, issuer, key, days_left, processes }, {
      file: `${dir}/a.crt`,
      subject: "CN=shop.example",
      names: ["shop.example", "192.0.2.10"],
      issuer: "CN=shop.example",
      key: "ECDSA P-256",
      days_left: 10,
      processes: 2,
    });
    assert.match(
      await tables(),
      /Certificates in service on node a\n.*\n {2}\S+a\.crt +shop\.example 192\.0\.2\.10 +ECDSA P-256 +\d{4}-\S+ \S+ UTC +10 +2/,
    );

    // What cannot be used changes nothing of what is in service.
    await Deno.writeTextFile(`${dir}/a.crt`, "garbage");
    await until(() => /in service stay/.test(first!.said()), first!.said);
    assert.equal(JSON.parse(await tables("--json")).certificates[0].fingerprint_sha256, fingerprint_sha256);
    await writePair(dir, 3);
    await until(() => /expires in 3 days, on /.test(first!.said()), first!.said);
    await until(async () => JSON.parse(await tables("--json")).certificates[0].days_left === 3, first!.said);

    first!.child.kill("SIGKILL");
    await first!.child.status;
    assert.equal(JSON.parse(await tables("--json")).certificates[0].processes, 1, "the dead serve nobody");
    for (const { child } of [second!, status]) {
      child.kill("SIGTERM");
      assert.equal((await child.status).code, 0);
    }
    assert.deepEqual(certificateRows(`${dir}/run/test/a`, Date.now()), []);
  });
});

Deno.test("a certificate that expires soon is warned of once a day, by the first process of a node", async () => {
  await inFolder((dir) => {
    // Certificates know no parts of seconds.
    const now = Math.floor(Date.now() / 1000) * 1000;
    const pem = certificatePem(makeSelfSigned(["a.example"], { keyType: "ec", days: 16 }, now));
    const lines: string[] = [];
    const publish = (worker: number) => {
      const published = new CertificatesInService(dir, worker, (line) => lines.push(line));
      published.publish([{ files: { cert: "a.crt" }, pem }], [], now);
      return published;
    };
    const published = publish(0);
    for (let hours = 0; hours <= 17 * 24; hours++) published.remind(now + hours * DAY_MS / 24);
    assert.deepEqual(lines.map((line) => line.replace(/, on .*/, "")), [
      "warning: the certificate a.crt expires in 14 days",
      ...Array.from({ length: 12 }, (_, i) => `warning: the certificate a.crt expires in ${13 - i} days`),
      "warning: the certificate a.crt expires in 1 day",
      "warning: the certificate a.crt expires in less than a day",
      "warning: the certificate a.crt expired 1 day ago",
    ]);
    published.close();
    const other = publish(1);
    other.remind(now + 15 * DAY_MS);
    other.close();
    assert.equal(lines.length, 16);
    assert.deepEqual([...Deno.readDirSync(dir)], []);
  });
});

function authority(name: string, days: number, now: number): string {
  return certificatePem(makeCertificate({ commonName: name, days, isAuthority: true }, undefined, now));
}

// Nobody was told that a CA certificate ends: from one moment to the next all clients or back ends were refused.
Deno.test("CA certificates of clients and of back ends are warned of by check and by serve, and are in the tables", async () => {
  await inFolder(async (dir) => {
    const now = Date.now();
    await writePair(dir, 100);
    // What has expired is a remnant beside one that has not.
    const left = authority("Left", 1, now - 3 * DAY_MS);
    await Deno.writeTextFile(
      `${dir}/clients.crt`,
      left + authority("Late", 90, now) + authority("Soon", 5, now + 60_000),
    );
    await Deno.writeTextFile(`${dir}/back_ends.crt`, authority("Back ends", 9, now + 60_000));
    await writeConfig(dir, "{ cert: a.crt, key: a.key }");
    const config = await Deno.readTextFile(`${dir}/dlba.yaml`);
    await Deno.writeTextFile(
      `${dir}/dlba.yaml`,
      config.replace("name: web,", "name: web, tls: { ca: back_ends.crt, server_name: b.example },")
        .replace("tls: { cert", "tls: { client_ca: clients.crt, cert"),
    );
    const { code, stderr } = await dlba("check", `${dir}/dlba.yaml`);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /: tls\.client_ca: found clients\.crt \(CN=Soon, expires in 5 days, on .*\), expected CA cert/,
    );
    assert.match(stderr, /: pools\[0\]\.tls\.ca: found back_ends\.crt \(CN=Back ends, expires in 9 days, on .*\), exp/);
    assert.equal(stderr.trim().split("\n").length, 2);

    const serve = await start(dir, "serve", "--listen", "127.0.0.1");
    const warning = (text: string) => until(() => serve.said().includes(text), serve.said);
    await warning(`serve: warning: the CA certificate CN=Soon in ${dir}/clients.crt expires in 5 days, on `);
    await warning(`serve: warning: the CA certificate CN=Back ends in ${dir}/back_ends.crt expires in 9 days, on `);
    const rows = () =>
      certificateRows(`${dir}/run/test/a`, Date.now()).map(({ file, subject, days_left }) => ({
        file: file.replace(`${dir}/`, ""),
        subject,
        days_left,
      }));
    assert.deepEqual(rows(), [
      { file: "a.crt", subject: "CN=shop.example", days_left: 100 },
      { file: "clients.crt", subject: "CN=Soon", days_left: 5 },
      { file: "back_ends.crt", subject: "CN=Back ends", days_left: 9 },
    ]);
    await Deno.writeTextFile(`${dir}/back_ends.crt`, authority("New", 80, now + 60_000));
    await until(() => rows().some(({ subject, days_left }) => subject === "CN=New" && days_left === 80), serve.said);
    serve.child.kill("SIGTERM");
    assert.equal((await serve.child.status).code, 0);
  });
});
