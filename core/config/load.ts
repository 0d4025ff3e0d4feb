import * as v from "valibot";
import YAML from "yaml";
import { UsageError } from "../errors.ts";
import { type Config, type NodeConfig, schema } from "./schema.ts";

/** Reads and checks `dlba.yaml`. Throws {@linkcode UsageError} with one line a finding. */
export function loadConfig(file: string): Config {
  return v.parse(schema, YAML.parse(Deno.readTextFileSync(file)));
}

/** The node of that name. Throws {@linkcode UsageError} when the config has none. */
export function nodeNamed(config: Config, name: string): NodeConfig {
  const node = config.nodes.find((node) => node.name === name);
  if (!node) {
    throw new UsageError(`No node ${name} in the config: it has ${config.nodes.map((n) => n.name).join(", ")}`);
  }
  return node;
}
