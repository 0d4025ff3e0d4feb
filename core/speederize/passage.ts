/** One response on its way through: its head is looked at, and its body rewritten where it is a page or a stylesheet. */
import { keepPrivate } from "../proxy/cookie_injection.ts";
import type { ClientIdentity } from "../proxy/client_identity.ts";
import { SET_COOKIE } from "../proxy/field_names.ts";
import type { HeadBlock } from "../proxy/head_block.ts";
import { type RequestHead, type ResponseHead, UNKNOWN_LENGTH } from "../proxy/message.ts";
import { addField } from "./add_field.ts";
import { lifetime, mayStore, parseCacheControl } from "./cache_control.ts";
import { hasAsciiTrails } from "./charset.ts";
import { ContentSecurityPolicy, extended } from "./csp.ts";
import { ByteOrderGuard } from "./byte_order_guard.ts";
import { CssRewriter } from "./css_rewriter.ts";
import { DocumentUrls } from "./document_urls.ts";
import { HtmlRewriter } from "./html_rewriter.ts";
import { Output } from "./output.ts";
import type { CachedPage } from "./page_cache.ts";
import { CODINGS, Recoding, type Rewriter } from "./recoding.ts";
import { OF_OTHER_BYTES, readFields, type ResponseFields } from "./response_kind.ts";
import type { Speederizer } from "./speederizer.ts";
import { Storing } from "./storing.ts";
import { ofOrigin, originTags, taggedWith } from "./validators.ts";

/** What one piece of a body becomes; sent before the next one comes. */
const OUT = new Output();

export class Passage {
  /** Null while the body passes as it is. */
  #rewriter: Rewriter | null = null;
  /** The client holds a rewritten response of the present rules, and asks whether it still stands. */
  #mayMatch = false;
  /** The body is decoded and coded again. */
  #recoding: Recoding | null = null;
  /** The sampler looks at this response. */
  #isSampled = false;
  /** Paths that the page refers to on the CDN. */
  readonly #moved: string[] = [];
  readonly #beganAt: number;
  readonly #storing: Storing | null;

  constructor(readonly speed: Speederizer, readonly request: RequestHead, readonly identity: ClientIdentity) {
    this.#storing = speed.cache.maxBytes > 0 ? new Storing(speed, request, identity) : null;
    this.#beganAt = speed.isSampled ? performance.now() : 0;
    this.#prepare(request.block);
  }

  /** Asks the back end for bytes that can be read, and by its own entity tags. */
  #prepare(block: HeadBlock): void {
    for (let i = block.count - 1; i >= 0; i--) {
      const name = block.name(i);
      if (name === "accept-encoding") block.remove(i);
      else if (name === "if-match") {
        const value = ofOrigin(block.value(i));
        block.remove(i);
        addField(block, `if-match: ${value}\r\n`);
      } else if (name === "if-none-match") {
        const { value, hadOurs } = originTags(block.value(i), this.speed.version);
        this.#mayMatch = hadOurs;
        block.remove(i);
        if (value !== "") addField(block, `if-none-match: ${value}\r\n`);
      }
    }
    addField(block, "accept-encoding: identity\r\n");
    const tag = this.#storing?.revalidates;
    if (tag) addField(block, `if-none-match: ${tag}\r\n`);
  }

  get isRewriting(): boolean {
    return this.#rewriter !== null;
  }

  /** Changes the head of the response, which stands in a block; returns it as it is to be sent. */
  head(response: ResponseHead): ResponseHead {
    const { speed } = this;
    const { status, block, bodyLength } = response;
    if (status >= 200 && status < 400) this.#storing?.invalidate(block);
    if (status === 304) {
      const page = this.#storing?.validated(block);
      if (page) return this.#repeat(response, page);
      if (this.#mayMatch) this.#tag(block);
      return response;
    }
    const fields = readFields(status, block, CODINGS);
    if (speed.isSampled) this.#sample(response, fields);
    if (fields.kind === null) return response;
    if (fields.doubt !== null) {
      speed.onDoubt(fields.doubt);
      return response;
    }
    const isHead = this.request.method === "HEAD";
    if (bodyLength === 0 && !isHead) return response;
    const rules = speed.rulesFor(this.identity.peer);
    this.#rewriteFields(block);
    if (rules.label !== "") keepPrivate(block);
    const placement = this.#placement(block, fields, rules);
    if (!isHead) {
      this.#begin(fields, placement);
      if (fields.coding !== "") this.#recoding = new Recoding(fields.coding, this.#rewriter!, OUT);
      this.#storing?.begin(status, fields);
    }
    speed.rewritten++;
    return { ...response, bodyLength: isHead ? bodyLength : UNKNOWN_LENGTH, statedLength: -1 };
  }

  #sample({ status, statedLength, bodyLength }: ResponseHead, fields: ResponseFields): void {
    const { speed, request, identity } = this;
    this.#isSampled = speed.sampler.takes();
    if (!this.#isSampled || status !== 200 || request.method !== "GET") return;
    const cacheControl = parseCacheControl(fields.cacheControl);
    const isKept = !fields.hasCookie && mayStore(cacheControl, NO_DIRECTIVES);
    speed.sampler.saw({
      path: pathOf(request.target),
      // A length that nobody states is told by its end alone: such a response counts by its hits.
      bytes: Math.max(0, statedLength, bodyLength),
      latencyMs: performance.now() - this.#beganAt,
      lifetimeS: isKept
        ? lifetime({ cacheControl, age: fields.age, date: fields.date, expires: fields.expires }, Date.now())
        : 0,
      client: identity.peer,
    });
  }

  /** The origin says that what is kept still stands: it is the response. */
  #repeat(response: ResponseHead, page: CachedPage): ResponseHead {
    const { block } = response;
    // Of this client alone, and not kept.
    const cookies: string[] = [];
    for (let i = 0; i < block.count; i++) if (block.name(i) === "set-cookie") cookies.push(block.value(i));
    block.clear();
    block.bytes.set(page.head);
    block.end = page.head.length;
    for (const cookie of cookies) addField(block, `set-cookie: ${cookie}\r\n`, SET_COOKIE);
    if (this.request.method === "HEAD") return { ...response, status: 200, statedLength: page.body.length };
    this.#rewriter = { write: (_bytes, _start, _end, isLast) => isLast && OUT.copy(page.body, 0, page.body.length) };
    return { ...response, status: 200, bodyLength: UNKNOWN_LENGTH, statedLength: -1 };
  }

  /** The head is as it will be sent, but for what is of this client alone. */
  keepHead(block: HeadBlock): void {
    this.#storing?.keepHead(block);
  }

  #tag(block: HeadBlock): void {
    for (let i = block.count - 1; i >= 0; i--) {
      if (block.name(i) !== "etag") continue;
      const etag = taggedWith(block.value(i), this.speed.version);
      block.remove(i);
      if (etag !== undefined) addField(block, `etag: ${etag}\r\n`);
    }
  }

  #rewriteFields(block: HeadBlock): void {
    for (let i = block.count - 1; i >= 0; i--) if (OF_OTHER_BYTES.has(block.name(i))) block.remove(i);
    this.#tag(block);
  }

  #placement(
    block: HeadBlock,
    { policies }: ResponseFields,
    { rules, placement, hosts }: ReturnType<Speederizer["rulesFor"]>,
  ) {
    const { speed } = this;
    const moved = speed.wantsMoved ? this.#moved : undefined;
    if (policies.length === 0) return moved ? speed.placement(rules, null, moved) : placement;
    if (speed.config.csp === "extend") {
      for (let i = block.count - 1; i >= 0; i--) {
        if (block.name(i) === "content-security-policy") block.remove(i);
      }
      policies = policies.map((policy) => extended(policy, hosts));
      for (const policy of policies) addField(block, `content-security-policy: ${policy}\r\n`);
    }
    const csp = new ContentSecurityPolicy(policies, this.identity.isTls);
    return speed.placement(rules, (kind, host) => csp.allows(kind, host), moved);
  }

  #begin({ kind, charset }: ResponseFields, placement: ConstructorParameters<typeof DocumentUrls>[0]): void {
    const { speed, request } = this;
    const urls = new DocumentUrls(placement, {
      host: request.host.toLowerCase(),
      aliases: speed.aliases,
      path: pathOf(request.target),
      isStylesheet: kind === "css",
    }, speed.onDoubt);
    const rewriter = kind === "html"
      ? new HtmlRewriter(OUT, urls, speed.onDoubt, speed.config.attributes, hasAsciiTrails(charset))
      : new CssRewriter(OUT, urls);
    this.#rewriter = new ByteOrderGuard(rewriter, OUT, speed.onDoubt);
  }

  /** A piece of the body; what it becomes is good until the next call of any passage. Throws BadMessage for a broken coding. */
  body(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean): Output {
    if (this.#recoding !== null) return this.#recoding.write(bytes, start, end, isLast);
    OUT.clear();
    this.#rewriter!.write(bytes, start, end, isLast);
    this.#storing?.add(OUT, isLast, this.#moved);
    if (isLast && this.#isSampled) { for (const path of this.#moved) this.speed.sampler.referred(path); }
    return OUT;
  }

  /** The response is over, whole or not. */
  close(): void {
    this.#recoding?.close();
    this.#recoding = null;
  }
}

function pathOf(target: string): string {
  const queryAt = target.indexOf("?");
  return queryAt < 0 ? target : target.slice(0, queryAt);
}

const NO_DIRECTIVES = parseCacheControl("");
