/** Looks whether the CDN serves what moves (`cdn.check`), and whether to pages of any origin. */

/** One copy to look at. */
export interface Copy {
  readonly path: string;
  readonly url: string;
  readonly timeoutMs: number;
}

export interface CopyFindings {
  /** Paths whose copy is not there, or says that it is none. */
  readonly failed: readonly string[];
  /** Paths whose copy may be loaded with CORS by any page. */
  readonly cors: readonly string[];
}

/** Fetches that run at a time. */
const AT_A_TIME = 8;
/** Of no page: only a CDN that allows every origin allows this one. */
const ORIGIN = "https://cors-check.invalid";

/** Asks for the heads of the copies. @param ask as fetch */
export async function checkCopies(copies: readonly Copy[], ask: typeof fetch = fetch): Promise<CopyFindings> {
  const failed: string[] = [];
  const cors: string[] = [];
  const rest = [...copies];
  const work = async () => {
    for (let copy = rest.shift(); copy; copy = rest.shift()) {
      const { path, url, timeoutMs } = copy;
      try {
        const response = await ask(url, {
          method: "HEAD",
          redirect: "error",
          headers: { origin: ORIGIN },
          signal: AbortSignal.timeout(timeoutMs),
        });
        await response.body?.cancel();
        if (response.status !== 200) failed.push(path);
        else if (response.headers.get("access-control-allow-origin") === "*") cors.push(path);
      } catch {
        failed.push(path);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return { failed: failed.sort(), cors: cors.sort() };
}
