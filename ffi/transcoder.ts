/** A stream that makes of bytes others, as they come. */

/** Hears of a piece: good until it returns. */
export type OnPiece = (bytes: Uint8Array<ArrayBuffer>, length: number) => void;

export interface Transcoder {
  /** Takes the bytes from `start` to `end`. Throws RangeError for what is no such stream. */
  write(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, isLast: boolean, onPiece: OnPiece): void;
  /** Frees its memory; a second call does nothing. */
  close(): void;
}
