/**
 * Brings a version to all nodes: first each checks it and puts it on its disk, then, once enough have, each puts it in force. What fails
 * before that leaves nothing behind; what fails after it is undone by a further version with the content of the one before, so that
 * numbers only ever rise and a node that missed all of it needs to know nothing but the highest.
 */
import * as v from "valibot";
import { Failure } from "../errors.ts";
import { fetchVersion, type Heard, type Look, newest } from "./array.ts";
import { type ControlAddress, type ControlClient, Refused, Unreachable } from "./control_client.ts";
import { outcomeSchema, type RoleReport, whyNotApplied } from "./state.ts";
import { hashOf, type Version } from "./version.ts";

const nothing = v.object({});

export interface PushPlan {
  readonly text: string;
  /** So many nodes are enough. */
  readonly quorum: number;
  readonly look: Look;
  /** ms since 1970. */
  readonly now: number;
}

export interface Pushed {
  readonly number: number;
  readonly hash: string;
  readonly nodes: readonly string[];
  /** Those without it, and why: they take it when they are back. */
  readonly missing: readonly string[];
  readonly roles: readonly { readonly node: string; readonly roles: readonly RoleReport[] }[];
}

/** Throws {@linkcode Failure} when it is in force nowhere, or was undone again. */
export async function push(client: ControlClient, plan: PushPlan): Promise<Pushed> {
  const { text, quorum, look, now } = plan;
  const missing = look.missing.map(({ why }) => why);
  if (look.heard.length < quorum) {
    throw new Failure(tooFew("Nothing was changed", look.heard.length, quorum, missing));
  }
  const base = newest(look);
  const before = await fetchVersion(client, base.node, base.state.version.number);
  // One that was staged and given up may be in force on a node that is not heard now.
  const last = Math.max(...look.heard.map(({ state }) => Math.max(state.version.number, state.staged?.number ?? 0)));
  const version = { number: last + 1, hash: hashOf(text), time: now, text };
  const { staged, refusals } = await stageAll(client, look.heard, version, before.number, missing);
  if (refusals > 0 || staged.length < quorum) {
    await abortAll(client, staged, version.number);
    throw new Failure(tooFew("Nothing was changed", staged.length, quorum, missing));
  }
  const { roles, failures } = await commitAll(client, staged, version);
  if (roles.length >= quorum && failures.every(({ isLost }) => isLost)) {
    missing.push(...failures.map(({ why }) => why));
    return { number: version.number, hash: version.hash, nodes: roles.map(({ node }) => node), missing, roles };
  }
  const why = [...missing, ...failures.map(({ why }) => why)];
  const undone = { ...version, number: version.number + 1, hash: before.hash, text: before.text };
  throw new Failure(await rollBack(client, staged, undone, why));
}

type Unsigned = Omit<Version, "author">;

/** Which have it on their disks; why others have not is added to `missing`. Who refuses it would not take it later either. */
async function stageAll(
  client: ControlClient,
  heard: readonly Pick<Heard, "node">[],
  version: Unsigned,
  base: number,
  missing: string[],
): Promise<{ readonly staged: readonly ControlAddress[]; readonly refusals: number }> {
  const staged: ControlAddress[] = [];
  let refusals = 0;
  await Promise.all(heard.map(async ({ node }) => {
    const failure = await attempt(() => client.change(node, "/stage", { base, version }, nothing));
    if (!failure) staged.push(node);
    else missing.push(failure.message);
    if (failure instanceof Refused) refusals++;
  }));
  return { staged, refusals };
}

async function abortAll(client: ControlClient, nodes: readonly ControlAddress[], number: number): Promise<void> {
  await Promise.all(nodes.map((node) => attempt(() => client.change(node, "/abort", { number }, nothing))));
}

interface Failed {
  readonly why: string;
  /** It was not heard: it may have it in force. Else it said that it cannot take the version up. */
  readonly isLost: boolean;
}

async function commitAll(client: ControlClient, nodes: readonly ControlAddress[], { number, hash }: Unsigned) {
  const roles: { node: string; roles: RoleReport[] }[] = [], failures: Failed[] = [];
  await Promise.all(nodes.map(async (node) => {
    const lost = await attempt(async () => {
      const outcome = await client.change(node, "/commit", { number, hash }, outcomeSchema);
      const why = whyNotApplied(outcome.roles);
      if (why === undefined) roles.push({ node: node.name, roles: outcome.roles });
      else failures.push({ why: `Node ${node.name} cannot take it up: ${why}`, isLost: false });
    });
    if (lost) failures.push({ why: lost.message, isLost: lost instanceof Unreachable });
  }));
  return { roles, failures };
}

/** Resolves to what is to be said of it. */
async function rollBack(
  client: ControlClient,
  nodes: readonly ControlAddress[],
  version: Unsigned,
  why: readonly string[],
) {
  const missing: string[] = [];
  const { staged } = await stageAll(client, nodes.map((node) => ({ node })), version, version.number - 1, missing);
  const { roles, failures } = await commitAll(client, staged, version);
  const left = [...missing, ...failures.map(({ why }) => why)];
  return [
    `Undone by version ${version.number}, which is as it was before (${roles.length} of ${nodes.length} nodes):`,
    ...why.map((line) => `  ${line}`),
    ...(left.length > 0
      ? ["Not undone; these nodes take it when they are back:", ...left.map((line) => `  ${line}`)]
      : []),
  ].join("\n");
}

/** Why it failed; undefined when it did not. */
async function attempt(work: () => Promise<unknown>): Promise<Failure | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

function tooFew(what: string, count: number, quorum: number, missing: readonly string[]): string {
  return [`${what}: ${count} of ${quorum} nodes could stage it`, ...missing.map((line) => `  ${line}`)].join("\n");
}
