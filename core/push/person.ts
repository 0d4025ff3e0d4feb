/** Who uses the control channel from a command: which certificate, and which nodes. */
import { existsSync } from "node:fs";
import { configOf } from "../config/load.ts";
import { besideConfig } from "../config/paths.ts";
import type { Config } from "../config/schema.ts";
import { readText, Unreadable } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { controlAddresses, type Look, lookAt } from "./array.ts";
import { readIdentity } from "./channel.ts";
import { type ControlAddress, ControlClient } from "./control_client.ts";

/** Whose certificate is taken where none is named: the first that is there. */
const USUAL = ["operator", "viewer"];

export interface Person {
  readonly client: ControlClient;
  readonly config: Config;
  readonly text: string;
  readonly nodes: readonly ControlAddress[];
  look(): Promise<Look>;
}

/** Runs the work with a client by the array's certificates. @param as NAME of people/, or a path without ending. Throws UsageError. */
export async function asPerson<T>(
  configFile: string,
  as: string | undefined,
  work: (person: Person) => Promise<T>,
): Promise<T> {
  const text = textOf(configFile);
  const config = configOf(configFile, text);
  const client = new ControlClient(readIdentity(config, configFile, identityPath(config, configFile, as)));
  try {
    const nodes = controlAddresses(config);
    return await work({ client, config, text, nodes, look: () => lookAt(client, nodes, config.array.name) });
  } finally {
    client.close();
  }
}

function identityPath(config: Config, configFile: string, as: string | undefined): string {
  const people = `${besideConfig(configFile, config.array.secrets)}/people`;
  if (as?.includes("/")) return as.replace(/\.(crt|key)$/, "");
  if (as !== undefined) return `${people}/${as}`;
  const found = USUAL.map((name) => `${people}/${name}`).find((path) => existsSync(`${path}.crt`));
  if (found === undefined) {
    throw new UsageError(
      `No certificate of an operator or viewer in ${people}: dlba init makes them where ca.key is, or name one by --as`,
    );
  }
  return found;
}

function textOf(file: string): string {
  try {
    return readText(file);
  } catch (error) {
    if (error instanceof Unreadable) {
      throw new UsageError(`${file}: found ${error.message}, expected a config file in UTF-8`);
    }
    throw error;
  }
}
