/** The documents name files that exist. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";

const ROOT = new URL("../", import.meta.url).pathname;
const DOCUMENTS = [
  "README.md",
  "CHANGELOG.md",
  ...[...Deno.readDirSync(`${ROOT}docs`)].map(({ name }) => `docs/${name}`),
];

/** `core/proxy/` or `ffi/pcap.ts`: a path of this project in code style, without what is a placeholder or a pattern. */
const PATH = /`((?:core|cmd|ffi|tests|docs|examples)\/[\w./-]*)`/g;
const LINK = /\]\((?!https?:)([^)#\s]+)\)/g;

for (const document of DOCUMENTS.filter((name) => name.endsWith(".md"))) {
  Deno.test(`${document} names paths that exist`, () => {
    const text = Deno.readTextFileSync(ROOT + document);
    const folder = document.includes("/") ? "docs/" : "";
    const paths = [...text.matchAll(PATH)].map(([, path]) => path!);
    const links = [...text.matchAll(LINK)].map(([, path]) => folder + path!);
    assert.deepEqual([...paths, ...links].filter((path) => !existsSync(ROOT + path)), []);
  });
}
