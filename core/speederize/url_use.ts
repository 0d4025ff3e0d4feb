/** What a URL is loaded for: decides what Content-Security-Policy says of it, and whether it may move. */
export const IMAGE = 0;
export const SCRIPT = 1;
export const STYLE = 2;
export const FONT = 3;
export const MEDIA = 4;
/** Added to one of them: the browser asks with CORS, and gives the page nothing where the answer does not allow it. */
export const WITH_CORS = 8;

/** The use without {@linkcode WITH_CORS}. */
export function kindOf(use: number): number {
  return use & 7;
}
