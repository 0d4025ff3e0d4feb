/** An independent reader of pages: whatever the rewriter did, the tree that parse5 builds differs only where it may. */
import assert from "node:assert/strict";
import { type DefaultTreeAdapterTypes, parse } from "parse5";

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

const PAGE = "https://shop.example/a/page.html";
const HTML = "http://www.w3.org/1999/xhtml";
const MOVED = /^(https?:)?\/\/cdn\.example\//i;

/** Attributes that hold a URL which may move, by element; `*` for any. */
const MAY_MOVE: Readonly<Record<string, readonly string[]>> = {
  "*": ["style"],
  img: ["src", "srcset", "data-src", "data-srcset"],
  source: ["src", "srcset", "data-src", "data-srcset"],
  video: ["src", "poster"],
  audio: ["src"],
  script: ["src"],
  link: ["href", "imagesrcset"],
  input: ["src"],
};

/** The base URL of what stands behind `at`; before it the page's own holds. */
interface Base {
  readonly at: number;
  readonly url: string;
}

/** Throws where the output's tree is not the input's with moved URLs. Returns how many URLs moved. */
export function assertOnlyUrlsMoved(input: string, output: string): number {
  const before = parse(input, { sourceCodeLocationInfo: true });
  return compare(before, parse(output), firstBase(before));
}

/** Of the first base element in the order of the source. */
function firstBase(document: Node): Base {
  let first: Base = { at: Infinity, url: PAGE };
  const look = (node: Node): void => {
    if ("attrs" in node && node.nodeName === "base" && node.namespaceURI === HTML) {
      const href = node.attrs.find(({ name }) => name === "href");
      const at = node.sourceCodeLocation!.startOffset;
      if (href && URL.canParse(href.value, PAGE) && at < first.at) {
        first = { at, url: new URL(href.value, PAGE).href };
      }
    }
    if ("childNodes" in node) node.childNodes.forEach(look);
  };
  look(document);
  return first;
}

function compare(before: Node, after: Node, base: Base): number {
  assert.equal(after.nodeName, before.nodeName);
  let moved = 0;
  if ("value" in before) {
    const isStyle = before.parentNode?.nodeName === "style" && (before.parentNode as Element).namespaceURI === HTML;
    if (isStyle) {
      moved += compareText(before.value, (after as typeof before).value, urlAt(base, before.parentNode as Element));
    } else assert.equal((after as typeof before).value, before.value);
  } else if ("data" in before) assert.equal((after as typeof before).data, before.data);
  if ("attrs" in before) moved += compareAttributes(before, after as Element, base);
  if ("content" in before) {
    const moves = compare(before.content, (after as typeof before).content, base);
    assert.equal(moves, 0, "a template's content moved");
  }
  if (!("childNodes" in before)) return moved;
  const { childNodes } = after as typeof before;
  assert.equal(childNodes.length, before.childNodes.length, `children of ${before.nodeName}`);
  before.childNodes.forEach((child, i) => moved += compare(child, childNodes[i]!, base));
  return moved;
}

function compareAttributes(before: Element, after: Element, base: Base): number {
  assert.deepEqual(after.attrs.map(({ name }) => name), before.attrs.map(({ name }) => name));
  let moved = 0;
  before.attrs.forEach(({ name, value }, i) => {
    const now = after.attrs[i]!.value;
    if (now === value) return;
    const isKnown = before.namespaceURI === HTML &&
      [...MAY_MOVE["*"]!, ...MAY_MOVE[before.nodeName] ?? []].includes(name);
    assert.ok(isKnown, `${name} of ${before.nodeName} became ${now}`);
    const url = urlAt(base, before);
    if (name === "style" || name.endsWith("srcset")) moved += compareText(value, now, url);
    else moved += compareUrl(value, now, url);
  });
  return moved;
}

function compareUrl(before: string, after: string, base: string): number {
  if (before === after) return 0;
  const [from, to] = [new URL(before, base), new URL(after, base)];
  assert.match(after.trim(), MOVED);
  assert.ok(["shop.example", "www.shop.example"].includes(from.host), `${before} is of another origin`);
  assert.equal(to.host, "cdn.example");
  assert.equal(to.pathname + to.search + to.hash, from.pathname + from.search + from.hash, `${before} became ${after}`);
  assert.match(from.pathname, /^\/static\/(?!private\/)|^\/a\/|\.webp$/);
  return 1;
}

function urlAt({ at, url }: Base, element: Element): string {
  const start = element.sourceCodeLocation?.startOffset;
  return start !== undefined && start > at ? url : PAGE;
}

/** What was put in is the CDN's name, with a folder before a relative URL. */
function compareText(before: string, after: string, base: string): number {
  const pieces = after.split(/((?:https?:)?\/\/cdn\.example)/i);
  if (pieces.length === 1) {
    assert.equal(after, before);
    return 0;
  }
  const directory = new URL(".", base).pathname;
  let at = 0;
  for (let i = 0; i < pieces.length; i++) {
    let piece = pieces[i]!;
    if (i % 2 === 1) {
      // Whatever own origin stood there.
      const own = /^(https?:)?\/\/(www\.)?shop\.example/i.exec(before.slice(at));
      if (own) at += own[0].length;
      continue;
    }
    if (i > 0 && !before.startsWith(piece, at) && piece.startsWith(directory)) piece = piece.slice(directory.length);
    assert.ok(before.startsWith(piece, at), `text became ${after}`);
    at += piece.length;
  }
  assert.equal(at, before.length);
  return (pieces.length - 1) / 2;
}
