/** With what a node begins: the version that was in force when it ended, or its config file before the first push. */
import { configOf, nodeNamed } from "../config/load.ts";
import { stateDir } from "../config/paths.ts";
import { readText, Unreadable } from "../config/read.ts";
import type { Config, NodeConfig } from "../config/schema.ts";
import { UsageError } from "../errors.ts";
import { thisNode } from "../node/identity.ts";
import { AuditLog } from "./audit.ts";
import { Configuration } from "./configuration.ts";
import { readIfThere } from "./durable.ts";
import { OverrideStore } from "./override_store.ts";
import type { RoleReport } from "./state.ts";
import { hashOf, type VersionHead } from "./version.ts";
import { VersionStore } from "./version_store.ts";

/** How roles are made to take up a change. */
export interface Reloads {
  reload(version: VersionHead): Promise<RoleReport[]>;
  reports(): RoleReport[];
}

export interface OpenedConfiguration {
  /** In force. */
  readonly config: Config;
  readonly self: NodeConfig;
  readonly configFile: string;
  readonly audit: AuditLog;
  /** Puts it where the roles read it. */
  inRunFolder(dir: string, reloads: Reloads, log: (line: string) => void): Configuration;
}

/** Throws {@linkcode UsageError}. @param name of the node; undefined: the one whose address this machine has */
export function openConfiguration(configFile: string, name: string | undefined): OpenedConfiguration {
  const fileText = textOf(configFile);
  const inFile = configOf(configFile, fileText);
  const array = inFile.array.name, node = thisNode(inFile, name).name;
  const dir = `${stateDir()}/config/${array}-${node}`;
  const versions = new VersionStore(dir), overrides = new OverrideStore(dir), audit = new AuditLog(`${dir}/audit.log`);
  const { current } = versions;
  const config = current ? configOf(`${configFile} (version ${current.number})`, current.text) : inFile;
  return {
    config,
    self: nodeNamed(config, node),
    configFile,
    audit,
    inRunFolder(dir, reloads, log) {
      if (current && current.hash !== hashOf(fileText)) {
        log(
          `runs version ${current.number}, pushed by ${current.author} at ${new Date(current.time).toISOString()}; ` +
            `${configFile} differs from it and does not count: dlba push-config changes what runs`,
        );
      }
      const served = servedBefore(dir);
      if (served > (current?.number ?? 0)) {
        log(`served version ${served} before, and begins with version ${current?.number ?? 0}: its state was lost`);
      }
      return new Configuration({
        array,
        node,
        configFile,
        fileText,
        dir,
        versions,
        overrides,
        reload: (version) => reloads.reload(version),
        reports: () => reloads.reports(),
      });
    },
  };
}

/** Number of the version that the run folder has from before. */
function servedBefore(dir: string): number {
  try {
    return Number((JSON.parse(readIfThere(`${dir}/version.json`) ?? "{}") as { version?: unknown }).version ?? 0);
  } catch {
    return 0;
  }
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
