/** The page behind `?`. */
import { type Line, line, span } from "./line.ts";

const KEYS: readonly (readonly [string, string])[] = [
  ["1 to 5", "overview, nodes, back ends, buckets, events"],
  ["tab", "between the list of nodes and that of back ends"],
  ["up, down, k, j", "move in the list; page up, page down, home, end"],
  ["s", "sort by the next column; after the last as in the config"],
  ["r", "the other way round"],
  ["/", "show only rows that have a text in them; escape shows all"],
  ["space", "hold the screen still"],
  ["d, e, x", "drain, enable, disable the selected node or back end"],
  ["w", "set its weight"],
  ["q", "leave"],
];

export const HELP: readonly Line[] = [
  line(""),
  ...KEYS.map(([keys, what]): Line => [span(keys.padEnd(16), "bold"), span(what)]),
  line(""),
  line("hits/s, fail/s, avg ms: since the look before. heard: since the node answered;"),
  line("a stale one does not count in the sums. own answers: errors and redirects that"),
  line("dlba gave itself. IP groups: buckets of the Client IP Hash Table that a node"),
  line("holds. cookie groups: sessions that began at a back end."),
  line(""),
  line("any key goes back", "dim"),
];
