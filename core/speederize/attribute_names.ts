/** The attributes that the rewriter looks at, by number. */
import { NameTable } from "./name_table.ts";

export const SRC = 0;
export const SRCSET = 1;
export const HREF = 2;
export const POSTER = 3;
export const STYLE_ATTRIBUTE = 4;
export const CROSSORIGIN = 5;
export const INTEGRITY = 6;
export const TYPE = 7;
export const REL = 8;
export const AS = 9;
export const IMAGESRCSET = 10;
export const CHARSET = 11;
export const HTTP_EQUIV = 12;
export const CONTENT = 13;
/** From here on: those of the config, from which scripts load images later. */
export const FIRST_LAZY = 14;

const FIXED = (
  "src srcset href poster style crossorigin integrity type rel as imagesrcset charset http-equiv content"
).split(" ");

/** @param lazy attributes as `data-src` */
export function attributeTable(lazy: readonly string[]): NameTable {
  return new NameTable([...FIXED, ...lazy]);
}
