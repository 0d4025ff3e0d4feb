/** A proxy process's part in speederize beside its requests: it says what it saw, and takes decisions and orders to purge. */
import { PathPattern } from "./path_pattern.ts";
import { confirmPurge, loadDecisions, purgeOrder, removeOwn, writeWindow } from "./run_files.ts";
import type { Speederizer } from "./speederizer.ts";

/** Files are looked at so often, ms: what was decided holds for all processes within that time. */
const LOOK_MS = 500;

export class ProxySide {
  #timer: ReturnType<typeof setInterval>;
  #window = 0;
  #windowBegan = performance.now();
  #lastPurge: string | undefined;

  constructor(readonly speed: Speederizer, readonly dir: string, readonly log: (line: string) => void) {
    // An order from before this process began is not for it.
    this.#lastPurge = purgeOrder(dir)?.id;
    this.#publish();
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    try {
      const decisions = loadDecisions(this.dir);
      if (decisions && decisions.version !== this.speed.decisions.version) this.speed.decide(decisions);
      this.#purge();
      if (performance.now() - this.#windowBegan >= this.speed.config.advisor.interval) this.#publish();
    } catch (error) {
      this.log(`speederize goes on as before: ${error instanceof Error ? error.message : error}`);
    }
  }

  #publish(): void {
    const { speed } = this;
    const now = performance.now();
    const { responses, paths } = speed.sampler.takeWindow();
    const { bytes, hits, misses } = speed.cache;
    writeWindow(this.dir, {
      window: this.#window++,
      seconds: (now - this.#windowBegan) / 1000,
      responses,
      paths,
      rewritten: speed.rewritten,
      doubts: { ...speed.doubts },
      cache: { bytes, hits, misses },
    });
    this.#windowBegan = now;
  }

  #purge(): void {
    const order = purgeOrder(this.dir);
    if (order === undefined || order.id === this.#lastPurge) return;
    this.#lastPurge = order.id;
    const pattern = new PathPattern(order.pattern);
    const pages = this.speed.cache.purge((key) => pattern.matches(pathOf(key)));
    confirmPurge(this.dir, { id: order.id, pages });
  }

  close(): void {
    clearInterval(this.#timer);
    removeOwn(this.dir);
  }
}

/** The path of a page's key, without its query. */
function pathOf(key: string): string {
  return /^[^\n]*\nhttps?:\/\/[^/]*([^?]*)/.exec(key)?.[1] ?? "";
}
