/** The control channel of `dlba node`: it answers pushes and asks the other nodes. */
import { besideConfig } from "../config/paths.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { readFile, readSecretFile } from "../secrets/array_secret.ts";
import { controlAddress } from "./array.ts";
import type { AuditLog } from "./audit.ts";
import { CatchUp } from "./catch_up.ts";
import { Challenges } from "./challenges.ts";
import type { Configuration } from "./configuration.ts";
import { controlApp } from "./control_app.ts";
import { ControlClient, type Identity } from "./control_client.ts";
import { ControlServer } from "./control_server.ts";

export interface ChannelParts {
  readonly config: Config;
  readonly self: NodeConfig;
  readonly configFile: string;
  readonly configuration: Configuration;
  readonly audit: AuditLog;
  readonly log: (line: string) => void;
}

/** A certificate of the array CA, as `secrets/nodes/node-a` without ending. Throws {@linkcode UsageError}. */
export function readIdentity(config: Config, configFile: string, path: string): Identity {
  const secrets = besideConfig(configFile, config.array.secrets);
  return {
    certificate: readFile(`${path}.crt`),
    key: readSecretFile(`${path}.key`),
    authority: readFile(`${secrets}/ca.crt`),
  };
}

/** Undefined, and said in the log, where it cannot be: the node serves without. */
export async function openChannel(parts: ChannelParts): Promise<{ close(): Promise<void> } | undefined> {
  const { config, self, configFile, configuration, audit, log } = parts;
  const { address, port } = controlAddress(config, self);
  try {
    const secrets = besideConfig(configFile, config.array.secrets);
    const identity = readIdentity(config, configFile, `${secrets}/nodes/${self.name}`);
    const app = controlApp(configuration, new Challenges(), audit);
    const server = new ControlServer({ ...identity, address, port, app, audit });
    await server.listen();
    const client = new ControlClient(identity);
    const stop = new AbortController();
    const catchUp = new CatchUp(self.name, configuration, client, audit, log).run(stop.signal);
    return {
      async close() {
        stop.abort();
        client.close();
        await catchUp;
        await server.close();
      },
    };
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof Error && "code" in error)) throw error;
    log(`cannot be pushed to on ${address}:${port}: ${error.message}`);
    return undefined;
  }
}
