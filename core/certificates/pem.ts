/** PEM: RFC 7468. */
import { Buffer } from "node:buffer";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const KEY = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^]*?-----END \1-----/;

export function toPem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** The first private key of the text, as PEM; undefined where there is none. */
export function keyBlock(text: string): string | undefined {
  return KEY.exec(text)?.[0];
}

/** Each certificate of the text, as PEM. */
export function certificateBlocks(text: string): string[] {
  return [...text.matchAll(CERTIFICATE)].map(([block]) => block);
}
