/** What back ends are told of a client: by fields that a client cannot forge, see field_names.ts. */
import type { PeerCertificate } from "../../ffi/tls_peer_certificate.ts";

const NO_CERTIFICATE = "x-client-cert-verify: NONE\r\n";

export class ClientIdentity {
  /** Field lines for back ends, each with its CR LF. */
  lines: string;
  /** It showed a certificate of those who may sign. */
  hasCertificate = false;

  /** @param areAsked whether clients are asked for certificates by TLS */
  constructor(readonly peer: string, readonly isTls: boolean, areAsked: boolean) {
    this.lines = `x-forwarded-for: ${peer}\r\nx-forwarded-proto: ${isTls ? "https" : "http"}\r\n`;
    if (areAsked) this.lines += NO_CERTIFICATE;
  }

  /** Its certificate was verified. */
  identify({ subject, fingerprint }: PeerCertificate): void {
    this.hasCertificate = true;
    this.lines = this.lines.replace(NO_CERTIFICATE, "") +
      `x-client-cert-subject: ${subject}\r\nx-client-cert-fingerprint: ${fingerprint}\r\n` +
      "x-client-cert-verify: SUCCESS\r\n";
  }
}
