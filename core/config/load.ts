/** Reads and checks `dlba.yaml`. */
import * as v from "valibot";
import { UsageError } from "../errors.ts";
import { type Finding, type Findings, findingsText } from "./findings.ts";
import { printable } from "./printable.ts";
import type { Problem } from "./problem.ts";
import { readText, Unreadable } from "./read.ts";
import { checkRules, type Rule } from "./rules.ts";
import { type Config, type NodeConfig, schema } from "./schema.ts";
import { expectedAt, shapeProblems } from "./shape.ts";
import { Source } from "./source.ts";

export interface Checked extends Findings {
  /** Undefined when there is a finding. */
  readonly config: Config | undefined;
  /** What is no error yet, in the order of the file. */
  readonly warnings: readonly Finding[];
}

/**
 * Environment of the roles of a node: where it keeps the config that it began with. What is written to the file later waits for the
 * node: a role that starts again must neither differ from the others nor fail by a slip of the pen.
 */
const KEPT = "DLBA_KEPT_CONFIG";

/** The environment that leads the roles to the text that is kept for them, in place of the file's. */
export function keptConfig(path: string): Record<string, string> {
  return { [KEPT]: path };
}

/** A node keeps the text for this role. */
export function hasKeptConfig(): boolean {
  return Deno.env.has(KEPT);
}

/** Reads the file and checks it. Throws {@linkcode UsageError} with one line a finding. */
export function loadConfig(file: string): Config {
  return sound(readAndCheck(file, [checkRules], [], Deno.env.get(KEPT)));
}

/** The config that a text is in place of the file's. Throws {@linkcode UsageError} with one line a finding. */
export function configOf(file: string, text: string): Config {
  return sound(checkConfig(file, text));
}

function sound({ config, findings, more }: Checked): Config {
  if (!config) throw new UsageError(findingsText({ findings, more }));
  return config;
}

/** Finds every error of the text by the schema and these rules; never throws. */
export function checkConfig(file: string, text: string, rules: readonly Rule[] = [checkRules]): Checked {
  return check(new Source(file, text), rules);
}

/**
 * Reads the file and finds every error by the schema and these rules; never throws.
 * @param hints report warnings
 * @param kept where the text stands, if not in the file itself
 */
export function readAndCheck(file: string, rules: readonly Rule[], hints: readonly Rule[] = [], kept = file): Checked {
  try {
    return check(new Source(file, readText(kept)), rules, hints);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const found = printable(error.message);
    const finding = { file, line: 1, column: 1, path: "", found, expected: "a config file in UTF-8" };
    return { config: undefined, findings: [finding], more: 0, warnings: [] };
  }
}

function check(source: Source, rules: readonly Rule[], hints: readonly Rule[] = []): Checked {
  const problems = [...source.problems];
  if (!source.isData) return { config: undefined, warnings: [], ...source.findings(problems) };
  // A value that is wrong in two ways has one finding.
  const result = v.safeParse(schema, source.data, { abortPipeEarly: true });
  for (const issue of result.issues ?? []) problems.push(...schemaProblems(source, issue));
  problems.push(...shapeProblems(source));
  problems.push(...ruleProblems(source, rules));
  const { findings: warnings } = source.findings(ruleProblems(source, hints));
  const config = problems.length === 0 ? result.output as Config : undefined;
  return { config, warnings, ...source.findings(problems) };
}

function ruleProblems(source: Source, rules: readonly Rule[]): Problem[] {
  const problems: Problem[] = [];
  for (const rule of rules) {
    rule(source.data, (path, expected, found) => {
      problems.push(source.atValue(path, typeof expected === "string" ? () => expected : expected, found));
    });
  }
  return problems;
}

function schemaProblems(source: Source, issue: v.BaseIssue<unknown>): Problem[] {
  const steps = issue.path ?? [];
  const path = steps.map((step) => step.key as string | number);
  const isOfKey = issue.type === "strict_object" && steps.at(-1)?.origin === "key";
  if (!isOfKey) return [source.atValue(path, () => issue.message)];
  // Those two are found by shapeProblems().
  if (issue.expected === "never" || Array.isArray(steps.at(-1)!.input)) return [];
  // A key that is missing: the message of its own schema says what it should be.
  return [source.atValue(path, () => expectedAt(path))];
}

/** The node of that name. Throws {@linkcode UsageError} when the config has none. */
export function nodeNamed(config: Config, name: string): NodeConfig {
  const node = config.nodes.find((node) => node.name === name);
  if (!node) {
    const names = config.nodes.map((node) => node.name).join(", ");
    throw new UsageError(`No node ${name} in the config: it has ${names}`);
  }
  return node;
}
