/** Why something passes untouched that could have been rewritten: each is counted (seed, "Speederizing Content"). */
export const DOUBTS = [
  /** A tag or URL longer than what is held back, with more behind it than one long value. */
  "too_long",
  /** HTML inside SVG or MathML, where browsers leave the foreign element by rules that need the whole tree. */
  "foreign_content",
  /** Raw text inside a select, which browsers of different ages read differently; frames. */
  "select_content",
  "frameset",
  /** A character set that is unknown, or in which a byte below 0x80 need not be the ASCII character. */
  "charset",
  /** A character reference or a CSS escape in what decides about the URL. */
  "escape",
  /** A base URL that cannot be understood. */
  "base",
  /** The page's Content-Security-Policy, of its head or in a meta element, would block the load. */
  "csp",
  "csp_meta",
  /** Cross-Origin-Embedder-Policy: require-corp blocks what another origin serves without a field of its own. */
  "embedder_policy",
  /** The element says which bytes it must get: the CDN's may differ. */
  "integrity",
  /** Fonts, modules and other loads that need CORS, which the CDN did not show yet. */
  "cors",
  /** In the response's head: another coding, a part, `no-transform`, a signature over the bytes. */
  "coding",
  "partial",
  "no_transform",
  "signed",
] as const;

export type Doubt = typeof DOUBTS[number];

/** Hears of each doubt. */
export type OnDoubt = (doubt: Doubt) => void;
