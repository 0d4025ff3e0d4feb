/**
 * An OCSP response that is asked for where the certificate says, by HTTP (RFC 6960 appendix A), long before the old one ends. The
 * proxy's loop does not wait for it: Deno's own loop fetches, in the turns that it gets.
 */
import type { OcspAnswer, OcspSubject } from "../../ffi/ocsp.ts";
import { FailureLog } from "./failure_log.ts";
import { isValid, refreshTimeOf, type StapleClock } from "./staple_times.ts";

/** After a failure it is tried again in so long, ms. */
const RETRY_MS = 60_000;
/** Longest wait for a responder, ms: Deno's loop gets its turn only now and then. */
const FETCH_MS = 30_000;
/** Longest response, bytes: with the responder's certificate a few thousand are common. */
const MAX_BYTES = 65_536;
/** Failures that are logged in a span, ms. */
const LOGGED = 1;
const LOG_SPAN_MS = 600_000;

export interface FetchOptions extends StapleClock {
  /** Where responses are kept, for the node's other processes and the next start. */
  readonly cacheDir: string;
}

export class FetchedStaple {
  readonly identity: string;
  #url: string;
  #cacheFile: string;
  #failures: FailureLog;
  #der: Uint8Array<ArrayBuffer> | undefined;
  #answer: OcspAnswer | undefined;
  #dueAt = -Infinity;
  /** About half; each process its own, so that the first to ask asks for all. */
  readonly #share = 0.4 + 0.2 * Math.random();
  #aborting = new AbortController();
  #isBusy = false;
  #isClosed = false;

  /** Takes the subject over. Throws Error when its certificate names no responder. */
  constructor(readonly subject: OcspSubject, fingerprint: string, readonly options: FetchOptions) {
    if (subject.url === undefined) throw new Error("it names no responder");
    this.#url = subject.url;
    this.identity = `fetch ${fingerprint}`;
    this.#cacheFile = `${options.cacheDir}/${fingerprint.replaceAll(":", "").toLowerCase()}.der`;
    this.#failures = new FailureLog(options.log, `requests to the OCSP responder ${this.#url}`, LOGGED, LOG_SPAN_MS);
    this.#takeCached();
    this.look();
  }

  get response(): Uint8Array<ArrayBuffer> | undefined {
    return this.#answer !== undefined && isValid(this.#answer, this.options.now()) ? this.#der : undefined;
  }

  look(): void {
    if (this.#isBusy || this.#isClosed || this.options.now() < this.#dueAt) return;
    // Another process of the node may have fetched it meanwhile.
    if (this.#takeCached() && this.options.now() < this.#dueAt) return;
    this.#isBusy = true;
    void this.#fetch().finally(() => {
      this.#isBusy = false;
      if (this.#isClosed) this.subject.close();
    });
  }

  async #fetch(): Promise<void> {
    try {
      const signal = AbortSignal.any([this.#aborting.signal, AbortSignal.timeout(FETCH_MS)]);
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/ocsp-request" },
        body: this.subject.request(),
        signal,
      });
      const der = await bodyOf(response);
      if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
      if (this.#isClosed) return;
      this.#take(der);
      await this.#cache(der);
    } catch (error) {
      if (this.#isClosed) return;
      this.#dueAt = this.options.now() + RETRY_MS;
      const why = error instanceof Error ? error.message : error;
      this.#failures.add(`no OCSP response from ${this.#url}: ${why}`);
    }
  }

  /** Puts it into service. Throws Error when it must not be. */
  #take(der: Uint8Array<ArrayBuffer>): void {
    const answer = this.subject.read(der);
    const now = this.options.now();
    if (!isValid(answer, now)) throw new Error("it is out of date");
    this.#der = der;
    this.#answer = answer;
    // A responder may give the same one until a new one is due.
    this.#dueAt = Math.max(refreshTimeOf(answer, this.#share), now + RETRY_MS);
  }

  /** True when the cache had one. */
  #takeCached(): boolean {
    try {
      const der = Deno.readFileSync(this.#cacheFile);
      const answer = this.subject.read(der);
      if (!isValid(answer, this.options.now()) || answer.thisUpdate <= (this.#answer?.thisUpdate ?? -Infinity)) {
        return false;
      }
      this.#der = der;
      this.#answer = answer;
      this.#dueAt = refreshTimeOf(answer, this.#share);
      return true;
    } catch {
      // None, or none that can be used: it is fetched.
      return false;
    }
  }

  async #cache(der: Uint8Array<ArrayBuffer>): Promise<void> {
    const fresh = `${this.#cacheFile}.${Deno.pid}`;
    try {
      await Deno.mkdir(this.options.cacheDir, { recursive: true });
      await Deno.writeFile(fresh, der);
      await Deno.rename(fresh, this.#cacheFile);
    } catch (error) {
      this.options.log(`cannot keep an OCSP response: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** A second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#aborting.abort();
    if (!this.#isBusy) this.subject.close();
  }
}

/** The body of a response. Throws Error when it is too long. */
async function bodyOf({ body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(MAX_BYTES);
  let length = 0;
  for await (const piece of body ?? []) {
    if (length + piece.length > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    bytes.set(piece, length);
    length += piece.length;
  }
  return bytes.slice(0, length);
}
