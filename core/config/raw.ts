/** The file's data as the rules look at it: each part by itself, whether the rest is sound or not. */
import * as v from "valibot";
import type { KeyPath } from "./findings.ts";
import { backEndSchema } from "./schema.ts";

export type Raw = Readonly<Record<string, unknown>>;

export function asMap(value: unknown): Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Raw : {};
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value with its defaults; undefined where it is not sound. */
export function read<const T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> | undefined {
  const result = v.safeParse(schema, value);
  return result.success ? result.output : undefined;
}

/** The value of one key in each map of a list, where that value is sound; a default where it is left out. */
export function eachValue<
  const S extends { readonly entries: v.ObjectEntries },
  const K extends keyof S["entries"] & string,
>(
  raw: Raw,
  list: string,
  schema: S,
  key: K,
  visit: (value: v.InferOutput<S["entries"][K]>, path: KeyPath) => void,
): void {
  asList(raw[list]).forEach((item, i) => {
    const result = v.safeParse(schema.entries[key]!, asMap(item)[key]);
    if (result.success) visit(result.output as v.InferOutput<S["entries"][K]>, [list, i, key]);
  });
}

export function eachBackEndValue<const K extends "key" | "address">(
  raw: Raw,
  key: K,
  visit: (value: v.InferOutput<(typeof backEndSchema)["entries"][K]>, path: KeyPath) => void,
): void {
  asList(raw["pools"]).forEach((pool, i) =>
    eachValue(asMap(pool), "back_ends", backEndSchema, key, (value, path) => visit(value, ["pools", i, ...path]))
  );
}
