/** Looks whether the CDN serves what moves (`cdn.check`), and whether to pages of any origin. */

/** One copy to look at. */
export interface Copy {
  readonly path: string;
  readonly url: string;
  /** Of the config, for all clients. */
  readonly host: string;
  readonly timeoutMs: number;
}

export interface CopyFindings {
  /** Paths whose copy is not there, or says that it is none. */
  readonly failed: readonly string[];
  /** Paths whose copy may be loaded with CORS by any page. */
  readonly cors: readonly string[];
  /** Hosts of which no copy was answered, but by an error of theirs. */
  readonly down: readonly string[];
}

/** Fetches that run at a time. */
const AT_A_TIME = 8;
/** After so many copies without an answer a host that gave none is asked for no more: each may take its whole time. */
const DOWN_AFTER = 3;
const SERVER_ERROR = 500;
/** Of no page: only a CDN that allows every origin allows this one. */
const ORIGIN = "https://cors-check.invalid";

/**
 * Asks for the heads of the copies.
 * @param ask as fetch
 * @param stop ends it early: what it found then is nothing
 */
export async function checkCopies(
  copies: readonly Copy[],
  ask: typeof fetch = fetch,
  stop: AbortSignal = new AbortController().signal,
): Promise<CopyFindings> {
  const failed: string[] = [];
  const cors: string[] = [];
  const answered = new Set<string>();
  const silent = new Map<string, number>();
  const isDown = (host: string) => !answered.has(host) && (silent.get(host) ?? 0) >= DOWN_AFTER;
  const rest = [...copies];
  const work = async () => {
    for (let copy = rest.shift(); copy && !stop.aborted; copy = rest.shift()) {
      const { path, url, host, timeoutMs } = copy;
      if (isDown(host)) continue;
      let isAnswered = false;
      try {
        const response = await ask(url, {
          method: "HEAD",
          redirect: "error",
          headers: { origin: ORIGIN },
          signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), stop]),
        });
        await response.body?.cancel();
        isAnswered = response.status < SERVER_ERROR;
        if (response.status !== 200) failed.push(path);
        else if (response.headers.get("access-control-allow-origin") === "*") cors.push(path);
      } catch {
        failed.push(path);
      }
      if (isAnswered) answered.add(host);
      else silent.set(host, (silent.get(host) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  const down = [...silent.keys()].filter((host) => !answered.has(host));
  return { failed: failed.sort(), cors: cors.sort(), down: down.sort() };
}
