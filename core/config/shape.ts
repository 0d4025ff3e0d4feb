/** The schema beside the file's data: which keys are unknown, and what a missing one should be. */
import { didYouMean } from "./did_you_mean.ts";
import type { KeyPath } from "./findings.ts";
import { shortened } from "./printable.ts";
import type { Problem } from "./problem.ts";
import { schema } from "./schema.ts";
import type { Source } from "./source.ts";

/** What maps, lists and optional values of valibot have in common. */
interface Shape {
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly item?: Shape;
  readonly wrapped?: Shape;
  readonly message?: unknown;
}

/** What should stand at the path. */
export function expectedAt(path: KeyPath): string {
  let shape: Shape | undefined = schema as Shape;
  for (const step of path) {
    const { entries, item }: Shape = unwrapped(shape!);
    shape = typeof step === "number" ? item : entries?.[step];
  }
  return String(unwrapped(shape!).message);
}

function unwrapped(shape: Shape): Shape {
  return shape.wrapped ? unwrapped(shape.wrapped) : shape;
}

/**
 * Every unknown key and every list in place of a map. Not by valibot, which stops at the first unknown key of a map, and to
 * which a list is a map too.
 */
export function shapeProblems(source: Source): Problem[] {
  const problems: Problem[] = [];
  const visit = (outer: Shape, data: unknown, path: KeyPath): void => {
    const { entries, item } = unwrapped(outer);
    if (item && Array.isArray(data)) data.forEach((value, i) => visit(item, value, [...path, i]));
    if (!entries || typeof data !== "object" || data === null) return;
    if (Array.isArray(data)) {
      problems.push(source.atValue(path, () => "a map"));
      return;
    }
    for (const [key, value] of Object.entries(data)) {
      const known = Object.hasOwn(entries, key) ? entries[key] : undefined;
      if (known) visit(known, value, [...path, key]);
      else problems.push(unknownKey(source, [...path, key], key, Object.keys(entries)));
    }
  };
  visit(schema as Shape, source.data, []);
  return problems;
}

function unknownKey(source: Source, path: KeyPath, key: string, known: readonly string[]): Problem {
  return source.atKey(path, () => {
    const near = didYouMean(key, known);
    return near ? `${near} (did you mean that?)` : `one of ${known.join(", ")}`;
  }, () => `unknown key ${shortened(key)}`);
}
