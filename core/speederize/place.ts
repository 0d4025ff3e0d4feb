/** Where the speederize files of a node are. */
import { loadConfig } from "../config/load.ts";
import { runDir } from "../config/paths.ts";
import { UsageError } from "../errors.ts";
import { thisNode } from "../node/identity.ts";

/** Throws UsageError where the config has no such section. */
export function speedPlace(
  configFile: string,
  nodeName: string | undefined,
): { readonly dir: string; readonly node: string } {
  const config = loadConfig(configFile);
  if (!config.speederize) throw new UsageError(`${configFile} has no section speederize`);
  const node = thisNode(config, nodeName);
  return { dir: runDir(config, node), node: node.name };
}
