/**
 * The role's side of a reload (docs/change.md, "Node and roles"): at SIGHUP, and once at its start, a role reads what is in the run folder,
 * takes it up and says in `reload/ROLE.json` what became of it. Without a node above it reads its config file in its place.
 */
import * as v from "valibot";
import { configOf, hasKeptConfig } from "../config/load.ts";
import { restartPaths } from "../config/restart.ts";
import type { Config } from "../config/schema.ts";
import { delay } from "../delay.ts";
import { inEffect, overrideSchema } from "../push/overrides.ts";
import { hashOf, versionNumber } from "../push/version.ts";

const versionFileSchema = v.object({ version: versionNumber, hash: v.string() });
const overridesFileSchema = v.array(overrideSchema);

/** The files are written one after another: so often, and with so long between, they are read until they belong together. */
const READS = 50;
const READ_AGAIN_MS = 20;

/** What is to be taken up. */
export interface Change {
  readonly version: number;
  /** SHA-256 of the config's text. */
  readonly hash: string;
  /** With the overrides that are in force in it. */
  readonly config: Config;
}

export interface ReloadOptions {
  /** The run folder. */
  readonly dir: string;
  /** As the supervisor calls it: `serve 0`. */
  readonly role: string;
  /** Paths in the config are relative to its folder. */
  readonly configFile: string;
  /** With which the role began: what waits for a restart still is as it says. */
  readonly config: Config;
  readonly log: (line: string) => void;
}

/**
 * @param apply takes the change up whole or, where it throws, not at all; returns key paths of its own whose change waits for a restart.
 * Called for one change at a time, and where the role runs that already
 * @returns ends it
 */
export function onReload(
  options: ReloadOptions,
  apply: (change: Change) => readonly string[] | void | Promise<readonly string[] | void>,
): () => void {
  let running: Promise<void> | undefined;
  let isDue = false;
  let last: Read | undefined;
  const take = () => {
    isDue = true;
    running ??= (async () => {
      while (isDue) {
        isDue = false;
        last = await takeUp(options, apply, last);
      }
      running = undefined;
    })();
  };
  Deno.addSignalListener("SIGHUP", take);
  // It may have changed since the role read it, and overrides it has not read.
  if (hasKeptConfig()) take();
  return () => Deno.removeSignalListener("SIGHUP", take);
}

/** A config as it was read: overrides change without it. */
interface Read {
  readonly hash: string;
  readonly config: Config;
}

async function takeUp(
  options: ReloadOptions,
  apply: Parameters<typeof onReload>[1],
  last: Read | undefined,
): Promise<Read | undefined> {
  const { config: began, log } = options;
  let asked = { version: 0, hash: "" };
  try {
    const files = await read(options);
    asked = { version: files.version, hash: files.hash };
    // To read a config of 500 back ends takes 0.1 s.
    const config = files.hash === last?.hash ? last.config : configOf(options.configFile, files.text);
    const own = await apply({ ...asked, config: inEffect(config, files.overrides) }) ?? [];
    say(options, { ...asked, ok: true, needsRestart: [...new Set([...restartPaths(began, config), ...own])] });
    return { hash: files.hash, config };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log(`the configuration in service stays, version ${asked.version} cannot be taken up: ${why}`);
    say(options, { ...asked, ok: false, error: why });
    return last;
  }
}

/** What belongs together. Throws Error where that is not to be had. */
async function read({ dir, configFile }: ReloadOptions) {
  if (!hasKeptConfig()) {
    const text = Deno.readTextFileSync(configFile);
    return { version: 0, hash: hashOf(text), text, overrides: [] };
  }
  for (let i = 0; i < READS; i++) {
    const text = Deno.readTextFileSync(`${dir}/dlba.yaml`);
    const head = v.parse(versionFileSchema, JSON.parse(Deno.readTextFileSync(`${dir}/version.json`)));
    const overrides = v.parse(overridesFileSchema, JSON.parse(Deno.readTextFileSync(`${dir}/overrides.json`)));
    if (hashOf(text) === head.hash) return { ...head, text, overrides };
    await delay(READ_AGAIN_MS);
  }
  throw new Error(`${dir}/dlba.yaml does not have the hash that version.json says`);
}

function say({ dir, role, log }: ReloadOptions, report: unknown): void {
  const path = `${dir}/reload/${role.replaceAll(" ", "-")}.json`;
  try {
    Deno.mkdirSync(`${dir}/reload`, { recursive: true });
    Deno.writeTextFileSync(`${path}.new`, JSON.stringify(report));
    Deno.renameSync(`${path}.new`, path);
  } catch (error) {
    log(`cannot say what became of the change: ${error instanceof Error ? error.message : error}`);
  }
}
