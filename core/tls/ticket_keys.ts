/**
 * Keys of session tickets (RFC 5077, RFC 8446 section 4.6.1), the same on every node: derived from the array secret and the time, so
 * that a session begun on one node resumes on any other, after a take-over too, and no node tells another.
 */
import type { TicketKey, TicketKeys } from "../../ffi/tls_callbacks.ts";
import type { ArraySecret } from "../secrets/array_secret.ts";

/** A key makes tickets for so long, ms; it opens them for as long again. OpenSSL's tickets live for 2 h. */
export const ROTATION_MS = 2 * 3_600_000;
const NAME_BYTES = 16;
const AES_BYTES = 32;
const HMAC_BYTES = 32;
const KEY_BYTES = NAME_BYTES + AES_BYTES + HMAC_BYTES;

export class ArrayTicketKeys implements TicketKeys {
  #period = -1;
  #keys: readonly TicketKey[] = [];

  /** @param now ms since 1970 */
  constructor(readonly secret: ArraySecret, readonly now: () => number) {}

  get current(): TicketKey {
    return this.#present()[0]!;
  }

  find(name: Uint8Array): TicketKey | undefined {
    for (const key of this.#present()) if (isEqual(key.name, name)) return key;
    return undefined;
  }

  /** The key for new tickets, and those that are accepted. */
  #present(): readonly TicketKey[] {
    const period = Math.floor(this.now() / ROTATION_MS);
    if (period === this.#period) return this.#keys;
    this.#period = period;
    // The next one's too: another node's clock may be ahead.
    const labels = [period, period - 1, period + 1].map((each) => `tls ticket ${each}`);
    const keys = labels.map((label) => this.secret.derive(label, KEY_BYTES));
    const older = labels.map((label) => this.secret.derivePrevious(label, KEY_BYTES)).filter((key) =>
      key !== undefined
    );
    return this.#keys = [...keys, ...older].map(split);
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  for (let i = 0; i < NAME_BYTES; i++) if (one[i] !== other[i]) return false;
  return true;
}

function split(bytes: Uint8Array): TicketKey {
  return {
    name: bytes.slice(0, NAME_BYTES),
    aes: bytes.slice(NAME_BYTES, NAME_BYTES + AES_BYTES),
    hmac: bytes.slice(NAME_BYTES + AES_BYTES, KEY_BYTES),
  };
}
