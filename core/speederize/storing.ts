/** One response on its way into the page cache, or what of the cache it makes stale: RFC 9111 sections 3 and 4. */
import type { ClientIdentity } from "../proxy/client_identity.ts";
import { SET_COOKIE } from "../proxy/field_names.ts";
import type { HeadBlock } from "../proxy/head_block.ts";
import type { RequestHead } from "../proxy/message.ts";
import { type Freshness, initialAge, lifetime, mayStore, parseCacheControl } from "./cache_control.ts";
import { addField } from "./add_field.ts";
import { fieldOf, type RequestFields, requestFields } from "./cached_request.ts";
import type { Output } from "./output.ts";
import { freshHead } from "./fresh_head.ts";
import { type CachedPage, PageBytes } from "./page_cache.ts";
import { CODINGS } from "./recoding.ts";
import { readFields, type ResponseFields } from "./response_kind.ts";
import type { Speederizer } from "./speederizer.ts";

const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export class Storing {
  /** Entity tag of a stale page, for the origin to say whether it still stands; "" without. */
  readonly revalidates: string = "";
  readonly #key: string;
  readonly #version: string;
  readonly #fields: RequestFields;
  readonly #slot: number;
  readonly #count: number;
  /** Values of the request as the client sent it: what the back end is asked differs. */
  readonly #values: (name: string) => string;
  #stale: CachedPage | undefined;
  #response: ResponseFields | null = null;
  #head: Uint8Array | null = null;
  #etag = "";
  #bytes: PageBytes | null = null;

  constructor(readonly speed: Speederizer, readonly request: RequestHead, identity: ClientIdentity) {
    this.#key = speed.keyOf(request, identity);
    this.#version = speed.version;
    this.#fields = requestFields(request);
    const { changes } = speed.cache;
    this.#slot = changes.slotOf(request.host, request.target);
    this.#count = changes.at(this.#slot);
    const sent = new Map<string, string>();
    const { block } = request;
    for (let i = 0; i < block.count; i++) sent.set(block.name(i), fieldOf(request, block.name(i)));
    sent.set("cookie", request.cookie);
    this.#values = (name) => sent.get(name) ?? "";
    const { isConditional, ifNoneMatch, hasAuthorization } = this.#fields;
    if (request.method !== "GET" || isConditional || ifNoneMatch !== "" || hasAuthorization) return;
    this.#stale = speed.cache.find(this.#key, this.#values);
    this.revalidates = this.#stale?.originTag ?? "";
  }

  /** What an unsafe request changed is asked for anew: section 4.4. */
  invalidate(block: HeadBlock): void {
    const { request, speed } = this;
    if (SAFE.has(request.method)) return;
    const targets = [request.target];
    for (let i = 0; i < block.count; i++) {
      const name = block.name(i);
      if (name !== "location" && name !== "content-location") continue;
      const base = `http://${request.host}${request.target}`;
      const url = URL.canParse(block.value(i), base) ? new URL(block.value(i), base) : undefined;
      if (url?.host === request.host.toLowerCase()) targets.push(url.pathname + url.search);
    }
    const { changes } = speed.cache;
    for (const target of targets) changes.changed(changes.slotOf(request.host, target));
  }

  /** The stale page, which the origin's 304 says is still good: section 4.3.4. */
  validated(block: HeadBlock): CachedPage | undefined {
    const page = this.#stale;
    if (page === undefined || this.speed.version !== this.#version) return undefined;
    const { cacheControl, age, date, expires, hasCookie } = readFields(200, block, CODINGS);
    // What the 304 does not say anew holds on: section 3.2.
    const { freshness } = page;
    page.freshness = {
      cacheControl: cacheControl === "" ? freshness.cacheControl : parseCacheControl(cacheControl),
      age,
      date,
      expires: expires || freshness.expires,
    };
    page.head = freshHead(page.head, block, this.speed.isLabelled);
    this.#freshen(page);
    // It must not be kept any longer, but answers this request.
    const mayKeep = !hasCookie && mayStore(page.freshness.cacheControl, this.#fields.cacheControl);
    if (!mayKeep) this.speed.cache.remove(this.#key);
    return page;
  }

  #freshen(page: CachedPage): void {
    const now = Date.now();
    page.bornAt = now - 1000 * initialAge(page.freshness, now);
    page.freshUntil = page.bornAt + 1000 * lifetime(page.freshness, now);
  }

  /** A page is rewritten now: it is gathered if it may be kept. */
  begin(status: number, fields: ResponseFields): void {
    const { method } = this.request;
    const { cacheControl, hasAuthorization } = this.#fields;
    const isKept = method === "GET" && status === 200 && !hasAuthorization && !fields.hasCookie &&
      fields.coding === "" &&
      !/(^|,)\s*\*\s*($|,)/.test(fields.vary) && mayStore(parseCacheControl(fields.cacheControl), cacheControl);
    // What is neither fresh nor has a validator could never be used.
    if (!isKept || fields.etag === "" && lifetime(freshnessOf(fields), Date.now()) <= 0) return;
    this.#response = fields;
    this.#bytes = new PageBytes(this.speed.cache.longestPage);
  }

  keepHead(block: HeadBlock): void {
    if (this.#bytes === null) return;
    // One of ours, beside a session: it is this client's.
    if (block.had(SET_COOKIE)) {
      this.#bytes = null;
      return;
    }
    let age: string | undefined;
    for (let i = block.count - 1; i >= 0; i--) {
      const name = block.name(i);
      if (name === "etag") this.#etag = block.value(i);
      else if (name === "age") {
        // It is worked out for each answer.
        age = block.value(i);
        block.remove(i);
      }
    }
    this.#head = block.bytes.slice(0, block.end);
    if (age !== undefined) addField(block, `age: ${age}\r\n`);
  }

  /** @param moved paths that the page refers to on the CDN */
  add(out: Output, isLast: boolean, moved: readonly string[]): void {
    if (this.#bytes === null) return;
    if (!this.#bytes.add(out)) {
      this.#bytes = null;
      return;
    }
    const fields = this.#response!;
    if (!isLast || this.#head === null || this.speed.version !== this.#version) return;
    const vary = fields.vary.toLowerCase().split(",").map((name) => name.trim())
      .filter((name) => name !== "" && name !== "accept-encoding").sort()
      .map((name) => [name, this.#values(name)] as const);
    const { etag } = fields;
    const page = {
      head: this.#head,
      body: this.#bytes.whole(),
      etag: this.#etag,
      originTag: etag,
      vary,
      moved,
      slot: this.#slot,
      count: this.#count,
      freshness: freshnessOf(fields),
      bornAt: 0,
      freshUntil: 0,
    };
    this.#freshen(page);
    this.speed.cache.put(this.#key, page);
  }
}

function freshnessOf({ cacheControl, age, date, expires }: ResponseFields): Freshness {
  return { cacheControl: parseCacheControl(cacheControl), age, date, expires };
}
