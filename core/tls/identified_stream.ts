/** A client's connection whose certificate is told before its first bytes, where clients are asked for one. */
import type { PeerCertificate } from "../../ffi/tls_peer_certificate.ts";
import type { TlsSession } from "../../ffi/tls_session.ts";
import { FAILED } from "../proxy/stream.ts";
import { TlsStream } from "./tls_stream.ts";

/** Longest subject, characters: it goes into each request's head, where head_block.ts keeps room for what we add. */
const MAX_SUBJECT = 400;

/** Whoever wants to know who a client is. */
export interface Identified {
  identify(certificate: PeerCertificate): void;
}

export class IdentifiedStream extends TlsStream {
  #session: TlsSession;
  #isKnown = false;

  constructor(
    fd: number,
    session: TlsSession,
    onFailed: (why: string) => void,
    readonly client: Identified | undefined,
  ) {
    super(fd, session, onFailed);
    this.#session = session;
    this.#isKnown = client === undefined;
  }

  override read(buffer: Uint8Array<ArrayBuffer>, length: number): number {
    const count = super.read(buffer, length);
    if (count > 0 && !this.#isKnown && !this.#identify()) return FAILED;
    return count;
  }

  /** False when back ends could not be told who it is. */
  #identify(): boolean {
    this.#isKnown = true;
    const certificate = this.#session.peerCertificate();
    if (certificate === undefined) return true;
    const { length } = certificate.subject;
    if (length > MAX_SUBJECT) {
      this.onFailedHandshake(`a certificate whose subject has ${length} characters, more than ${MAX_SUBJECT}`);
      return false;
    }
    this.client?.identify(certificate);
    return true;
  }
}
