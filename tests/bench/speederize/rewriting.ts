/** How fast the rewriter alone is: run in a process of its own on one core, prints MB/s by its CPU time, a line a round. */
import { DocumentUrls } from "../../../core/speederize/document_urls.ts";
import { HtmlRewriter } from "../../../core/speederize/html_rewriter.ts";
import { Output } from "../../../core/speederize/output.ts";
import { PathPattern } from "../../../core/speederize/path_pattern.ts";
import { RulePlacement } from "../../../core/speederize/placement.ts";
import { page } from "../../speederize/pages.ts";
import { cpuNanoseconds } from "../process.ts";

/** What a read of a socket gives. */
const PIECE = 65_536;

const PLACE = { host: "shop.example", aliases: new Set<string>(), path: "/a/page.html", isStylesheet: false };

function placement(): RulePlacement {
  const rule = { paths: [new PathPattern("/static/*")], except: [], hosts: ["cdn.example"] };
  return new RulePlacement([rule], { allows: null, moves: null, allowsCors: () => true }, () => {});
}

if (import.meta.main) {
  const [rounds, pages] = Deno.args.map(Number);
  const { html, moves } = page(1, 1_048_576);
  const input = new TextEncoder().encode(html);
  const out = new Output();
  let isWhole = true;
  const rewrite = () => {
    const urls = new DocumentUrls(placement(), PLACE, () => {});
    const rewriter = new HtmlRewriter(out, urls, () => {}, ["data-src", "data-srcset"]);
    let length = 0;
    for (let at = 0; at < input.length; at += PIECE) {
      const end = Math.min(input.length, at + PIECE);
      out.clear();
      rewriter.write(input, at, end, end === input.length);
      length += out.length;
    }
    isWhole &&= length > input.length + moves;
  };
  for (let i = 0; i < pages!; i++) rewrite();
  for (let round = 0; round < rounds!; round++) {
    const before = cpuNanoseconds([Deno.pid]);
    for (let i = 0; i < pages!; i++) rewrite();
    console.log(pages! * input.length / ((cpuNanoseconds([Deno.pid]) - before) / 1000));
  }
  if (!isWhole) throw new Error("The rewriter moved less than it should");
}
