/** Reads and checks `dlba.yaml`. */
import * as v from "valibot";
import { UsageError } from "../errors.ts";
import { didYouMean, type Finding, findingLine, type KeyPath } from "./findings.ts";
import { checkRules } from "./rules.ts";
import { type Config, type NodeConfig, schema } from "./schema.ts";
import { Source } from "./source.ts";

export interface Checked {
  /** Undefined when there is a finding. */
  readonly config: Config | undefined;
  /** In the order of the file. */
  readonly findings: readonly Finding[];
}

/** Reads the file and checks it. Throws {@linkcode UsageError} with one line a finding. */
export function loadConfig(file: string): Config {
  const { config, findings } = checkConfig(file, readConfig(file));
  if (!config) throw new UsageError(findings.map(findingLine).join("\n"));
  return config;
}

/** The file's text. Throws {@linkcode UsageError} when it cannot be read. */
export function readConfig(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(file));
  } catch (error) {
    throw new UsageError(`${file}:1:1: found ${whyUnreadable(error)}, expected a config file in UTF-8`);
  }
}

function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.IsADirectory) return "a directory";
  if (error instanceof Deno.errors.PermissionDenied) return "no right to read it";
  if (error instanceof TypeError) return "bytes that are not UTF-8";
  return error instanceof Error ? error.message : String(error);
}

/** Finds every error of the text; never throws. */
export function checkConfig(file: string, text: string): Checked {
  const source = new Source(file, text);
  if (source.findings.length > 0) return { config: undefined, findings: source.findings };
  const result = v.safeParse(schema, source.data);
  const findings = result.success ? [] : result.issues.map((issue) => schemaFinding(source, issue));
  checkRules(source.data, (path, expected, found) => {
    findings.push(source.finding(path, expected, found === undefined ? {} : { found }));
  });
  if (findings.length > 0) return { config: undefined, findings: inOrder(findings) };
  return { config: result.output as Config, findings };
}

function schemaFinding(source: Source, issue: v.BaseIssue<unknown>): Finding {
  const path = (issue.path ?? []).map((step) => step.key as string | number);
  const isOfMap = issue.type === "strict_object";
  // To valibot a list is an object too.
  const holder = path.slice(0, -1);
  if (isOfMap && Array.isArray(valueAt(source.data, holder))) return source.finding(holder, "a map");
  if (isOfMap && issue.expected === "never") {
    const known = keysAt(holder);
    const key = String(path.at(-1));
    const near = didYouMean(key, known);
    const expected = near ? `${near} (did you mean that?)` : `one of ${known.join(", ")}`;
    return source.finding(path, expected, { found: `unknown key ${key}`, atKey: true });
  }
  // A key that is missing: the message of its own schema says what it should be.
  if (isOfMap && issue.received === "undefined" && path.length > 0) return source.finding(path, expectedAt(path));
  return source.finding(path, issue.message);
}

function valueAt(data: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((at, step) => (at as Record<string | number, unknown>)[step], data);
}

interface AnySchema {
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly item?: AnySchema;
  readonly wrapped?: AnySchema;
  readonly message?: unknown;
}

/** The schema of what stands at the path. */
function schemaAt(path: KeyPath): AnySchema | undefined {
  let at: AnySchema | undefined = schema as AnySchema;
  for (const step of path) {
    at = typeof step === "number" ? at?.item : at?.entries?.[step];
    while (at?.wrapped) at = at.wrapped;
  }
  return at;
}

function keysAt(path: KeyPath): string[] {
  return Object.keys(schemaAt(path)?.entries ?? {});
}

function expectedAt(path: KeyPath): string {
  return String(schemaAt(path)?.message ?? "a value");
}

/** By place; a place has one finding of a kind. */
function inOrder(findings: readonly Finding[]): Finding[] {
  const sorted = [...findings].sort((one, other) => one.line - other.line || one.column - other.column);
  const seen = new Set<string>();
  return sorted.filter((finding) => {
    const line = findingLine(finding);
    return !seen.has(line) && seen.add(line);
  });
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
