/** The elements that the rewriter must know: those with URLs to move, and those after which other rules hold. */
import { NameTable } from "./name_table.ts";
import { maybeKnown } from "./plain_markup.ts";

export const NONE = 0;
export const IMG = 1;
export const SCRIPT = 2;
export const LINK = 3;
export const STYLE = 4;
export const SOURCE = 5;
export const VIDEO = 6;
export const AUDIO = 7;
export const INPUT = 8;
export const BASE = 9;
export const META = 10;
export const TEMPLATE = 11;
export const SVG = 12;
export const MATH = 13;
export const SELECT = 14;
export const FRAMESET = 15;
export const PLAINTEXT = 16;
/** From here on: their content is text (HTML section 13.2.6.2 and the rules that call it), and none of it is looked at. */
export const TITLE = 17;
export const TEXTAREA = 18;
export const XMP = 19;
export const IFRAME = 20;
export const NOEMBED = 21;
export const NOFRAMES = 22;
export const NOSCRIPT = 23;

export const NAMES: readonly string[] = [
  "",
  "img",
  "script",
  "link",
  "style",
  "source",
  "video",
  "audio",
  "input",
  "base",
  "meta",
  "template",
  "svg",
  "math",
  "select",
  "frameset",
  "plaintext",
  "title",
  "textarea",
  "xmp",
  "iframe",
  "noembed",
  "noframes",
  "noscript",
];

/**
 * Start and end tags at which a browser may leave SVG or MathML (HTML section 13.2.6.5), and elements within which it reads HTML
 * there or raw text.
 */
export const LEAVES_FOREIGN: ReadonlySet<string> = new Set(
  ("b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr ol p pre " +
    "ruby s small span strong strike sub sup table tt u ul var font foreignobject annotation-xml html base link input button " +
    "select form label section article main nav header footer aside td th tr tbody thead tfoot textarea xmp iframe noembed " +
    "noframes noscript plaintext template").split(" "),
);

const table = new NameTable(NAMES);
export const KNOWN = maybeKnown(NAMES);

/** Which element the name from `start` to `end` is, in any case of letters. */
export function elementAt(bytes: Uint8Array, start: number, end: number): number {
  return Math.max(NONE, table.find(bytes, start, end));
}

/** Bytes as text, A to Z in lower case. */
export function lowerCase(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    text += String.fromCharCode(byte >= 65 && byte <= 90 ? byte + 32 : byte);
  }
  return text;
}
