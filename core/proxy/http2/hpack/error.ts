/** A header block that cannot be decoded: the tables of both sides no longer agree, so it ends the connection (RFC 9113 section 4.3). */
export class HpackError extends Error {
  override name = "HpackError";
}
