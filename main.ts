/** dlba: a Decrypting Load Balancing Array. This file names the subcommands; each is a file of `cmd/`. */
import {
  type ApplicationText,
  buildApplication,
  buildRouteMap,
  help,
  run,
  type StricliProcess,
  text_en,
  version,
} from "@stricli/core";
import { cert } from "./cmd/cert.ts";
import { check } from "./cmd/check.ts";
import { config } from "./cmd/config.ts";
import { demo } from "./cmd/demo.ts";
import { failover } from "./cmd/failover.ts";
import { handover } from "./cmd/handover.ts";
import { init } from "./cmd/init.ts";
import { labWeb } from "./cmd/lab_web.ts";
import { node } from "./cmd/node.ts";
import { disable, drain, enable, weight } from "./cmd/override.ts";
import { pushConfig } from "./cmd/push_config.ts";
import { scheduler } from "./cmd/scheduler.ts";
import { serve } from "./cmd/serve.ts";
import { setupNode } from "./cmd/setup_node.ts";
import { speed } from "./cmd/speed.ts";
import { statusd } from "./cmd/statusd.ts";
import { support } from "./cmd/support.ts";
import { tables } from "./cmd/tables.ts";
import { top } from "./cmd/top.ts";
import { trace } from "./cmd/trace.ts";
import { Failure, UsageError } from "./core/errors.ts";
import { addSystemFolders } from "./core/programs.ts";
import manifest from "./deno.json" with { type: "json" };

const root = buildRouteMap({
  routes: {
    check,
    init,
    cert,
    "setup-node": setupNode,
    node,
    "push-config": pushConfig,
    config,
    drain,
    enable,
    disable,
    weight,
    top,
    tables,
    trace,
    handover,
    speed,
    support,
    scheduler,
    serve,
    statusd,
    failover,
    demo,
    "lab-web": labWeb,
  },
  docs: {
    brief: "A Decrypting Load Balancing Array: a few Linux machines as one load balancer",
    hideRoute: { "lab-web": true },
  },
});

/** A finding is its own sentence; a defect of ours shows where it happened. */
function describe(error: unknown): string {
  if (error instanceof UsageError || error instanceof Failure) return error.message;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

const text: ApplicationText = {
  ...text_en,
  exceptionWhileRunningCommand: describe,
  commandErrorResult: (error) => error.message,
};

const app = buildApplication(root, {
  name: "dlba",
  determineExitCode: (error) => error instanceof UsageError ? 2 : 1,
  scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
  documentation: { disableAnsiColor: !Deno.stdout.isTerminal() },
  localization: { text },
}, {
  help: help({
    formatting: { caseStyle: "convert-camel-to-kebab", useAliasInUsageLine: false, onlyRequiredInUsageLine: false },
    brief: "Print help and exit",
    defaultForRouteMap: true,
  }),
  version: version({ info: { currentVersion: manifest.version }, brief: "Print the version and exit" }),
});

function writer(stream: { writeSync(bytes: Uint8Array): number }) {
  return { write: (text: string) => void stream.writeSync(new TextEncoder().encode(text)) };
}

if (import.meta.main) {
  if (Deno.build.os !== "linux") {
    console.error(`dlba runs on Linux only, this is ${Deno.build.os}`);
    Deno.exit(2);
  }
  addSystemFolders();
  const process: StricliProcess = { stdout: writer(Deno.stdout), stderr: writer(Deno.stderr) };
  await run(app, Deno.args, { process });
  const status = Number(process.exitCode ?? 0);
  // Stricli's negative codes (unknown command, bad argument) are wrong use.
  Deno.exit(status < 0 ? 2 : status);
}
