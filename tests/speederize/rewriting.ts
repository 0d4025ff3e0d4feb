/** One page or stylesheet through a rewriter, in pieces of any size. */
import { CssRewriter } from "../../core/speederize/css_rewriter.ts";
import { DocumentUrls } from "../../core/speederize/document_urls.ts";
import type { Doubt } from "../../core/speederize/doubts.ts";
import { HtmlRewriter } from "../../core/speederize/html_rewriter.ts";
import { Output } from "../../core/speederize/output.ts";
import { PathPattern } from "../../core/speederize/path_pattern.ts";
import { RulePlacement } from "../../core/speederize/placement.ts";

export const CDN = "//cdn.example";

const rules = [{
  paths: ["/static/*", "/a/*", "*.webp"].map((pattern) => new PathPattern(pattern)),
  except: [new PathPattern("/static/private/*")],
  hosts: ["cdn.example"],
}];
const placement = new RulePlacement(
  rules,
  { allows: null, moves: null, allowsCors: (path) => path.startsWith("/static/cors/") },
  () => {},
);

export interface Rewritten {
  readonly bytes: Uint8Array;
  readonly doubts: ReadonlySet<Doubt>;
  readonly mostHeld: number;
}

/**
 * @param ends where the pieces end, ascending; the last one ends with the input
 * @param path of the page or stylesheet; where it is the CDN's too without
 */
export function rewritten(
  kind: "html" | "css",
  input: Uint8Array,
  ends: readonly number[] = [],
  path = kind === "html" ? "/a/page.html" : "/a/style.css",
  host = "shop.example",
): Rewritten {
  const out = new Output(16);
  const doubts = new Set<Doubt>();
  const onDoubt = (doubt: Doubt) => void doubts.add(doubt);
  const place = { host, aliases: new Set(["www.shop.example"]), path, isStylesheet: kind === "css" };
  const urls = new DocumentUrls(placement, place, onDoubt);
  const rewriter = kind === "html"
    ? new HtmlRewriter(out, urls, onDoubt, ["data-src", "data-srcset"])
    : new CssRewriter(out, urls);
  let mostHeld = 0;
  let start = 0;
  for (const end of [...ends, input.length]) {
    // A piece of its own, as a read gives it: what stood before is gone.
    const piece = input.slice(start, end);
    rewriter.write(piece, 0, piece.length, end === input.length);
    piece.fill(0);
    mostHeld = Math.max(mostHeld, rewriter.heldBytes);
    start = end;
  }
  return { bytes: out.bytes.slice(0, out.length), doubts, mostHeld };
}

/** What is to become of a text, and why; the text as {@linkcode pairOf} reads it. */
export interface Case {
  readonly why: string;
  readonly marked: string;
  readonly doubt?: Doubt;
}

const MARK = /▸|⟦([^→⟧]*)→([^⟧]*)⟧/g;

/** Input and expected output of a marked text: `▸` stands where the CDN is put, `⟦old→new⟧` where more changes. */
export function pairOf(marked: string): { readonly input: string; readonly output: string } {
  return {
    input: marked.replace(MARK, (_, from = "") => from),
    output: marked.replace(MARK, (_, _from, to = CDN) => to),
  };
}
