/** Which CDN host serves a path: the mapping of the config, as it holds for one response. */
import type { HostTexts, Placement } from "./document_urls.ts";
import type { PathPattern } from "./path_pattern.ts";
import { kindOf } from "./url_use.ts";

/** Paths of the origin and the CDN hosts that serve them. */
export interface CdnRule {
  readonly paths: readonly PathPattern[];
  readonly except: readonly PathPattern[];
  /** As they stand in a URL; the same path always gets the same one. */
  readonly hosts: readonly string[];
  /** By host: nothing moves there now. */
  readonly isDown?: readonly boolean[];
}

/** What holds for one response beside the rules. */
export interface Conditions {
  /** The page's Content-Security-Policy lets it load that kind from the host; null when it has none. */
  readonly allows: ((kind: number, host: string) => boolean) | null;
  /** The path moves now: what the advisor and the load of the array say; null when every path of the rules does. */
  readonly moves: ((path: string, use: number) => boolean) | null;
  readonly allowsCors: (path: string) => boolean;
}

/** FNV-1a, 32 bits, begins with this. */
export const HASH_START = 0x811c9dc5;

export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

export class RulePlacement implements Placement {
  /** By rule. */
  readonly #texts: readonly (readonly (HostTexts | null)[])[];
  /** Bytes of a path decide. */
  readonly #isPlain: boolean;

  /** @param onBlocked hears that the page's policy keeps a load */
  constructor(readonly rules: readonly CdnRule[], readonly conditions: Conditions, readonly onBlocked: () => void) {
    this.#texts = rules.map(({ hosts, isDown }) =>
      hosts.map((host, i) =>
        isDown?.[i] ? null : { relative: `//${host}`, http: `http://${host}`, https: `https://${host}` }
      )
    );
    this.#isPlain = conditions.allows === null && conditions.moves === null &&
      rules.every(({ paths, except }) => [...paths, ...except].every((pattern) => pattern.isSimple));
  }

  allowsCors(path: string): boolean {
    return this.conditions.allowsCors(path);
  }

  place(path: string, query: string, use: number): string | null {
    const rule = this.rules.find(({ paths, except }) =>
      paths.some((pattern) => pattern.matches(path)) && !except.some((pattern) => pattern.matches(path))
    );
    if (rule === undefined) return null;
    const shard = shardOf(path + query, rule.hosts.length);
    if (rule.isDown?.[shard]) return null;
    const host = rule.hosts[shard]!;
    const { allows, moves } = this.conditions;
    if (moves !== null && !moves(path, use)) return null;
    if (allows === null || allows(kindOf(use), host)) return host;
    this.onBlocked();
    return null;
  }

  placeBytes(bytes: Uint8Array, start: number, pathEnd: number, hash: number): HostTexts | null | undefined {
    if (!this.#isPlain) return undefined;
    const { rules } = this;
    for (let i = 0; i < rules.length; i++) {
      const { paths, except } = rules[i]!;
      if (!anyMatches(paths, bytes, start, pathEnd) || anyMatches(except, bytes, start, pathEnd)) continue;
      const texts = this.#texts[i]!;
      return texts[texts.length === 1 ? 0 : (hash >>> 0) % texts.length]!;
    }
    return null;
  }
}

function anyMatches(patterns: readonly PathPattern[], bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = 0; i < patterns.length; i++) if (patterns[i]!.matchesBytes(bytes, start, end)) return true;
  return false;
}

function shardOf(url: string, hosts: number): number {
  let hash = HASH_START;
  for (let i = 0; i < url.length; i++) hash = hashByte(hash, url.charCodeAt(i));
  return (hash >>> 0) % hosts;
}
