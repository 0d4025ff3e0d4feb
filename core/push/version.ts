/** A version of the configuration: what was pushed, by whom and when. */
import { createHash } from "node:crypto";
import * as v from "valibot";

/** Number of what a node runs before anything was ever pushed to it: its own config file. */
export const FILE_VERSION = 0;
/** Longest text, bytes: what `dlba check` reads too. */
export const MAX_TEXT_BYTES = 1_048_576;

const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const author = v.pipe(v.string(), v.maxLength(256));
const moment = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const versionNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const head = {
  /** One more with each push, never given twice; {@linkcode FILE_VERSION} is the node's own file. */
  number: versionNumber,
  /** SHA-256 of the text, hexadecimal. */
  hash,
  /** Common name of the operator's certificate. */
  author,
  /** ms since 1970. */
  time: moment,
};

export const versionHeadSchema = v.strictObject(head);
export const versionSchema = v.strictObject({ ...head, text: v.pipe(v.string(), v.maxLength(MAX_TEXT_BYTES)) });

export type VersionHead = v.InferOutput<typeof versionHeadSchema>;
export type Version = v.InferOutput<typeof versionSchema>;

export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function headOf({ number, hash, author, time }: VersionHead): VersionHead {
  return { number, hash, author, time };
}

/** As JSON. Throws SyntaxError where it is none, or does not have the hash that it says. */
export function parseVersion(json: string): Version {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), versionSchema), json);
  if (!result.success) throw new SyntaxError("Cannot parse a version of the configuration");
  const version = result.output;
  if (hashOf(version.text) !== version.hash) {
    throw new SyntaxError(`Version ${version.number} does not have the hash that it says`);
  }
  return version;
}

/**
 * Whether the one is to replace the other: the higher number is. Two of one number were pushed to the two sides of a split array with
 * `--quorum`; then the later one is, so that all nodes come to the same.
 */
export function isNewer(one: VersionHead, other: VersionHead): boolean {
  if (one.number !== other.number) return one.number > other.number;
  if (one.hash === other.hash) return false;
  return one.time !== other.time ? one.time > other.time : one.hash > other.hash;
}
