/** YAML text as a tree of nodes with positions, with every error of its syntax. */
import YAML, { isMap, isNode, isSeq, type LineCounter } from "yaml";
import type { KeyPath } from "./findings.ts";
import type { Problem } from "./problem.ts";

/** Most levels of maps and lists in each other: a config has 6. More would exhaust the stack of what walks them. */
const MAX_DEPTH = 32;

export interface Tree {
  /** Undefined when there is a problem. */
  readonly document: YAML.Document.Parsed | undefined;
  readonly lines: LineCounter;
  readonly problems: readonly Problem[];
}

export function parseYaml(text: string): Tree {
  const lines = new YAML.LineCounter();
  try {
    // Keys that stand twice are looked for in `structure.ts`: here each would be compared with each.
    const composer = new YAML.Composer({ uniqueKeys: false, version: "1.2" });
    const [document, second] = composer.compose(tokensOf(text, lines), true, text.length);
    const problems = syntaxProblems(document!);
    if (second) problems.push(problem(second.range[0], [], "a second document", "one"));
    return { document: problems.length > 0 ? undefined : document as YAML.Document.Parsed, lines, problems };
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    const found = `more than ${MAX_DEPTH} levels of maps and lists`;
    return { document: undefined, lines, problems: [problem(error.offset, [], found, `at most ${MAX_DEPTH}`)] };
  }
}

class TooDeep extends Error {
  constructor(readonly offset: number) {
    super();
  }
}

/** The library's tokens, as its own `Parser.parse()` gives them, so long as they are not too deep. */
function* tokensOf(text: string, lines: LineCounter): Generator<YAML.CST.Token, void> {
  const parser = new YAML.Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new YAML.Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_DEPTH) throw new TooDeep(parser.offset - lexeme.length);
  }
  yield* parser.end();
}

function problem(offset: number, path: KeyPath, found: string, expected: string): Problem {
  return { offset, path, found: () => found, expected: () => expected };
}

/** An unclosed list in an unclosed list is the same error at the same place. */
function syntaxProblems(document: YAML.Document): Problem[] {
  const distinct = new Map(document.errors.map((error) => [`${error.pos[0]} ${error.message}`, error]));
  return [...distinct.values()].map(({ pos: [offset], message }) => {
    const found = message.split(/[\n;]/)[0]!.replace(/[.:]$/, "");
    return problem(offset, pathBefore(document.contents, offset), found, "YAML 1.2");
  });
}

/** The path of what begins last before the offset. */
function pathBefore(top: unknown, offset: number): KeyPath {
  const begins = (node: unknown) => isNode(node) && node.range != null && node.range[0] <= offset;
  const path: (string | number)[] = [];
  for (let node = top;;) {
    if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => begins(key));
      if (!pair) return path;
      path.push(String(pair.key));
      node = pair.value;
    } else if (isSeq(node)) {
      const index = node.items.findLastIndex(begins);
      if (index < 0) return path;
      path.push(index);
      node = node.items[index];
    } else return path;
  }
}
