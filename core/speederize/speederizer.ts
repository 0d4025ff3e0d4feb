/** Speederize in a proxy process: which responses are rewritten and how (seed, "Speederizing Content"). */
import type { SpeederizeConfig } from "../config/schema.ts";
import type { ClientIdentity } from "../proxy/client_identity.ts";
import type { RequestHead } from "../proxy/message.ts";
import type { Answer } from "./answer.ts";
import { secondsOf } from "./cache_control.ts";
import { cacheKey, fieldOf, namesTag, requestFields } from "./cached_request.ts";
import type { Changes } from "./changes.ts";
import { networkLabel, regionLabel } from "./client_label.ts";
import { type Decisions, firstDecisions } from "./decisions.ts";
import { type Doubt, DOUBTS } from "./doubts.ts";
import { PageCache } from "./page_cache.ts";
import { Passage } from "./passage.ts";
import { PathPattern } from "./path_pattern.ts";
import { Sampler } from "./sampler.ts";
import { type CdnRule, HASH_START, hashByte, RulePlacement } from "./placement.ts";

/** Labels of clients whose rules are kept made out. */
const MOST_LABELS = 1_024;
/** Of one page, that are noted. */
const MOST_MOVED = 1_000;
/** Paths that a sampler tells apart, for each that may move and at least. */
const SAMPLED = 4;
const LEAST_SAMPLED = 1_000;
const CLIENT = "{client}";

/** The rules as they hold for clients of one label. */
export interface LabelRules {
  /** "" where the rules name no client. */
  readonly label: string;
  readonly rules: readonly CdnRule[];
  /** For pages without a policy of their own. */
  readonly placement: RulePlacement;
  /** Every CDN host, for a policy that is extended. */
  readonly hosts: readonly string[];
}

export class Speederizer {
  readonly aliases: ReadonlySet<string>;
  readonly doubts: Record<Doubt, number> = Object.fromEntries(DOUBTS.map((doubt) => [doubt, 0])) as Record<
    Doubt,
    number
  >;
  /** Pages and stylesheets that were rewritten. */
  rewritten = 0;
  /** Of rules and decisions, in hex digits: what was rewritten by others is another representation. */
  version = "";
  /** Responses are labelled with the client: they are nobody else's. */
  readonly isLabelled: boolean;
  #decisions: Decisions;
  #chosen: ReadonlySet<string> | null = null;
  #withdrawn: ReadonlySet<string> = new Set();
  #cors: ReadonlySet<string> = new Set();
  #rules: readonly CdnRule[];
  #byLabel = new Map<string, LabelRules>();
  #lastAddress = "";
  #lastLabel = "";

  readonly cache: PageCache;
  /** What passes is sampled. */
  readonly isSampled: boolean;
  readonly #isChecked: boolean;
  readonly sampler: Sampler;

  /** @param changes shared by the processes of the node */
  constructor(readonly config: SpeederizeConfig, changes: Changes) {
    const { sample_percent, max_urls } = config.advisor;
    this.#isChecked = config.cdn.some(({ check }) => check);
    this.isSampled = config.advisor.mode !== "off" || config.local !== undefined || this.#isChecked;
    this.sampler = new Sampler(Math.max(LEAST_SAMPLED, SAMPLED * max_urls), sample_percent / 100);
    this.cache = new PageCache(config.cache.max_bytes, changes);
    this.aliases = new Set(config.aliases);
    this.#rules = config.cdn.map(({ paths, except, hosts }) => ({
      paths: paths.map((pattern) => new PathPattern(pattern)),
      except: except.map((pattern) => new PathPattern(pattern)),
      hosts,
    }));
    this.isLabelled = config.cdn.some(({ hosts }) => hosts.some((host) => host.startsWith(CLIENT)));
    this.#decisions = firstDecisions(config);
    this.decide(this.#decisions);
  }

  get decisions(): Decisions {
    return this.#decisions;
  }

  /** Goes by new decisions from the next response on. */
  decide(decisions: Decisions): void {
    this.#decisions = decisions;
    this.#chosen = decisions.chosen && new Set(decisions.chosen);
    this.#withdrawn = new Set(decisions.withdrawn);
    this.#cors = new Set(decisions.cors);
    const { version: _, ...content } = decisions;
    const { cdn, aliases, attributes, csp, client, regions } = this.config;
    this.version = hashOf(JSON.stringify([cdn, aliases, attributes, csp, client, regions, content]));
    this.#byLabel.clear();
    this.cache.purge(() => true);
  }

  /** A page out of the cache; null when a back end must be asked. @param now ms since 1970 */
  answer(request: RequestHead, identity: ClientIdentity, now: number): Answer | null {
    const { cache } = this;
    if (cache.maxBytes === 0 || request.method !== "GET" && request.method !== "HEAD") return null;
    const page = cache.find(this.keyOf(request, identity), (name) => fieldOf(request, name));
    if (page === undefined || now >= page.freshUntil) {
      cache.misses++;
      return null;
    }
    const fields = requestFields(request);
    const age = (now - page.bornAt) / 1000;
    const oldest = secondsOf(fields.cacheControl, "max-age") ?? Infinity;
    const leastFresh = secondsOf(fields.cacheControl, "min-fresh") ?? 0;
    const isRefused = fields.hasAuthorization || fields.isConditional || fields.cacheControl.has("no-cache") ||
      fields.cacheControl.has("no-store") || age > oldest || (page.freshUntil - now) / 1000 < leastFresh;
    if (isRefused) return null;
    cache.hits++;
    if (this.isSampled && this.sampler.takes()) { for (const path of page.moved) this.sampler.referred(path); }
    return { page, age, isUnchanged: namesTag(fields.ifNoneMatch, page.etag) };
  }

  keyOf(request: RequestHead, identity: ClientIdentity): string {
    const label = this.isLabelled ? this.#labelOf(identity.peer) : "";
    return cacheKey(request.host, request.target, identity.isTls, label);
  }

  /** A request on its way to a back end: its response passes through what is returned. */
  begin(request: RequestHead, identity: ClientIdentity): Passage {
    return new Passage(this, request, identity);
  }

  readonly onDoubt = (doubt: Doubt): void => {
    this.doubts[doubt]++;
  };

  /** The rules for a client. */
  rulesFor(address: string): LabelRules {
    const label = this.isLabelled ? this.#labelOf(address) : "";
    let made = this.#byLabel.get(label);
    if (made) return made;
    if (this.#byLabel.size >= MOST_LABELS) this.#byLabel.clear();
    const rules = this.#rules.map((rule) => ({
      ...rule,
      hosts: rule.hosts.map((host) => host.replace(CLIENT, label)),
      isDown: rule.hosts.map((host) => this.#decisions.down.includes(host)),
    }));
    made = {
      label,
      rules,
      placement: this.placement(rules, null),
      hosts: [...new Set(rules.flatMap(({ hosts }) => hosts))],
    };
    this.#byLabel.set(label, made);
    return made;
  }

  #labelOf(address: string): string {
    if (address !== this.#lastAddress) {
      const { client, regions } = this.config;
      this.#lastAddress = address;
      this.#lastLabel = client === "region" ? regionLabel(address, regions) : networkLabel(address);
    }
    return this.#lastLabel;
  }

  /** What moved is seen by the pages that refer to it: for the advisor, and to know what to look at on the CDN. */
  get wantsMoved(): boolean {
    return this.#chosen !== null || this.#isChecked;
  }

  /**
   * @param allows what the page's own policy says; null without one
   * @param moved gathers paths that move, where {@linkcode wantsMoved}
   */
  placement(
    rules: readonly CdnRule[],
    allows: ((kind: number, host: string) => boolean) | null,
    moved?: string[],
  ): RulePlacement {
    const { toCdn } = this.#decisions;
    const isAll = toCdn && this.#chosen === null && this.#withdrawn.size === 0;
    const moves = isAll && moved === undefined ? null : (path: string) => {
      const isMoved = toCdn && !this.#withdrawn.has(path) && (this.#chosen === null || this.#chosen.has(path));
      if (isMoved && moved && moved.length < MOST_MOVED) moved.push(path);
      return isMoved;
    };
    const allowsCors = (path: string) => this.#cors.has(path);
    return new RulePlacement(rules, { allows, moves, allowsCors }, () => this.onDoubt("csp"));
  }
}

function hashOf(text: string): string {
  let hash = HASH_START;
  for (let i = 0; i < text.length; i++) hash = hashByte(hash, text.charCodeAt(i));
  return (hash >>> 0).toString(16).padStart(8, "0");
}
