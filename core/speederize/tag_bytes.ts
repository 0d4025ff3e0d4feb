/** What bytes mean in a tag: HTML sections 13.2.5.8 and 13.2.5.32 to 13.2.5.40. */
const TAB = 9;
const LF = 10;
const FF = 12;
const CR = 13;
const SPACE = 32;
export const QUOTE = 34;
export const APOSTROPHE = 39;
export const SLASH = 47;
export const EQUALS = 61;
export const GREATER = 62;

export const ENDS_NAME = 1;
export const ENDS_ATTRIBUTE_NAME = 2;
export const IS_SPACE = 4;
export const ENDS_UNQUOTED = 8;
export const SKIPPED = 16;
/** What a byte means in a tag. */
export const CLASS = new Uint8Array(256);
for (const space of [TAB, LF, FF, CR, SPACE]) {
  CLASS[space] = ENDS_NAME | ENDS_ATTRIBUTE_NAME | IS_SPACE | ENDS_UNQUOTED | SKIPPED;
}
CLASS[SLASH] = ENDS_NAME | ENDS_ATTRIBUTE_NAME | SKIPPED;
CLASS[GREATER] = ENDS_NAME | ENDS_ATTRIBUTE_NAME | ENDS_UNQUOTED;
CLASS[EQUALS] = ENDS_ATTRIBUTE_NAME;

/** Whether the attribute's name may be `style`. */
export function mayBeStyle(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 5 && (bytes[start]! | 32) === 115 && (bytes[start + 1]! | 32) === 116;
}
