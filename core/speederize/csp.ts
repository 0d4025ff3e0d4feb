/** A page's Content-Security-Policy: what it lets the page load, and the same with the CDN added. CSP level 3. */
import { FONT, IMAGE, MEDIA, SCRIPT, STYLE } from "./url_use.ts";

/** For each kind of load the directives that say of it, the first that is there counts: CSP section 6.8.3. */
const DIRECTIVES: Readonly<Record<number, readonly string[]>> = {
  [IMAGE]: ["img-src", "default-src"],
  [SCRIPT]: ["script-src-elem", "script-src", "default-src"],
  [STYLE]: ["style-src-elem", "style-src", "default-src"],
  [FONT]: ["font-src", "default-src"],
  [MEDIA]: ["media-src", "default-src"],
};
export const KINDS: readonly number[] = [IMAGE, SCRIPT, STYLE, FONT, MEDIA];

type Policy = Map<string, readonly string[]>;

function parse(text: string): Policy {
  const policy: Policy = new Map();
  for (const directive of text.split(";")) {
    const [name = "", ...sources] = directive.trim().split(/\s+/);
    const lower = name.toLowerCase();
    // The first of a name counts.
    if (lower !== "" && !policy.has(lower)) policy.set(lower, sources);
  }
  return policy;
}

function sourcesFor(policy: Policy, kind: number): readonly string[] | undefined {
  const name = DIRECTIVES[kind]!.find((name) => policy.has(name));
  return name === undefined ? undefined : policy.get(name);
}

/** All policies of a page: a load must be allowed by each. */
export class ContentSecurityPolicy {
  readonly #policies: readonly Policy[];

  /** @param values of the fields; each may hold several policies */
  constructor(values: readonly string[], readonly isTls: boolean) {
    this.#policies = values.flatMap((value) => value.split(",")).map(parse);
  }

  allows(kind: number, host: string): boolean {
    return this.#policies.every((policy) => {
      const sources = sourcesFor(policy, kind);
      return sources === undefined || sources.some((source) => this.#matches(source, host)) && !isStrict(kind, sources);
    });
  }

  /** CSP section 6.7.2.8, on the safe side: a source with a path allows nothing here. */
  #matches(source: string, host: string): boolean {
    const lower = source.toLowerCase();
    if (lower === "*" || lower === (this.isTls ? "https:" : "http:") || lower === "http:") return true;
    const [, scheme, pattern = "", port] = /^(?:([a-z]+):\/\/)?([^/:']+)(?::([0-9]+|\*))?\/?$/.exec(lower) ?? [];
    if (scheme !== undefined && scheme !== (this.isTls ? "https" : "http") && scheme !== "http") return false;
    const [name = "", hostPort] = host.split(":");
    if (port !== "*" && port !== hostPort) return false;
    return pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : pattern === name;
  }
}

/** Under `strict-dynamic` no host counts. */
function isStrict(kind: number, sources: readonly string[]): boolean {
  return kind === SCRIPT && sources.some((source) => source.toLowerCase() === "'strict-dynamic'");
}

/** The value of a Content-Security-Policy field with the hosts added to what says of loads; `'none'` stays. */
export function extended(value: string, hosts: readonly string[]): string {
  return value.split(",").map((text) => {
    const policy = parse(text);
    const added = new Map(policy);
    for (const kind of KINDS) {
      const sources = sourcesFor(policy, kind);
      // An empty list is as 'none'.
      if (!sources?.length || sources.some((source) => source.toLowerCase() === "'none'")) continue;
      const name = DIRECTIVES[kind]!.find((name) => policy.has(name))!;
      // What falls back to default-src gets a directive of its own: the CDN is allowed for no more than what moves.
      const own = name === "default-src" ? DIRECTIVES[kind]!.at(-2)! : name;
      added.set(own, [...new Set([...sources, ...hosts])]);
    }
    return [...added].map(([name, sources]) => [name, ...sources].join(" ")).join("; ");
  }).join(", ");
}
