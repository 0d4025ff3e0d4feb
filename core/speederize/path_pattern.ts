/** Patterns of origin paths, as `/static/*` or `/img/*.png`: a star stands for any characters, slashes included. */

export class PathPattern {
  readonly prefix: Uint8Array;
  readonly suffix: Uint8Array;
  /** What must stand between them, in order. */
  readonly #inner: readonly string[];
  readonly #isExact: boolean;

  constructor(readonly pattern: string) {
    const parts = pattern.split("*");
    const encoder = new TextEncoder();
    this.#isExact = parts.length === 1;
    this.prefix = encoder.encode(parts[0]!);
    this.suffix = encoder.encode(this.#isExact ? "" : parts.at(-1)!);
    this.#inner = parts.slice(1, -1).filter((part) => part !== "");
  }

  /** Whether bytes can decide: there is at most one star. */
  get isSimple(): boolean {
    return this.#inner.length === 0;
  }

  matches(path: string): boolean {
    const [prefix, suffix] = [this.prefix, this.suffix];
    if (this.#isExact) return path === this.pattern;
    if (path.length < prefix.length + suffix.length) return false;
    const start = this.pattern.slice(0, this.pattern.indexOf("*"));
    const end = this.pattern.slice(this.pattern.lastIndexOf("*") + 1);
    if (!path.startsWith(start) || !path.endsWith(end)) return false;
    let at = start.length;
    for (const part of this.#inner) {
      const found = path.indexOf(part, at);
      if (found < 0 || found + part.length > path.length - end.length) return false;
      at = found + part.length;
    }
    return true;
  }

  /** As {@linkcode matches}, for a simple pattern and the path from `start` to `end`. */
  matchesBytes(bytes: Uint8Array, start: number, end: number): boolean {
    const { prefix, suffix } = this;
    const length = end - start;
    if (this.#isExact ? length !== prefix.length : length < prefix.length + suffix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
    for (let i = 1; i <= suffix.length; i++) if (bytes[end - i] !== suffix[suffix.length - i]) return false;
    return true;
  }
}
