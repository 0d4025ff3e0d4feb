/** ASN.1 by node-forge, as bytes and trees: DER of X.690 section 10. */
import { Buffer } from "node:buffer";
import forge from "node-forge";

const { Class, Type } = forge.asn1;

export type Asn1 = forge.asn1.Asn1;

/** Throws node-forge's errors where the bytes are none, or go on behind it. */
export function fromDer(der: Uint8Array): Asn1 {
  return forge.asn1.fromDer(forge.util.createBuffer(binary(der)));
}

export function toDer(tree: Asn1): Uint8Array {
  return bytesOf(forge.asn1.toDer(tree).getBytes());
}

/** Bytes as node-forge has them: a string with a character a byte. */
export function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

export function bytesOf(binary: string): Uint8Array {
  return new Uint8Array(Buffer.from(binary, "latin1"));
}

export function sequence(...parts: readonly Asn1[]): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...parts]);
}

export function set(...parts: readonly Asn1[]): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.SET, true, [...parts]);
}

/** `[tag] EXPLICIT`, or the implicit form of something with parts. */
export function context(tag: number, ...parts: readonly Asn1[]): Asn1 {
  return forge.asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, true, [...parts]);
}

export function oid(dotted: string): Asn1 {
  return primitive(Type.OID, forge.asn1.oidToDer(dotted).getBytes());
}

/** @param bytes big-endian, the first bit being the sign */
export function integer(...bytes: readonly number[]): Asn1 {
  return primitive(Type.INTEGER, String.fromCharCode(...bytes));
}

export function boolean(value: boolean): Asn1 {
  return primitive(Type.BOOLEAN, value ? "\xff" : "\0");
}

export function octets(bytes: Uint8Array): Asn1 {
  return primitive(Type.OCTETSTRING, binary(bytes));
}

/** Of whole bytes. */
export function bits(bytes: Uint8Array): Asn1 {
  return primitive(Type.BITSTRING, `\0${binary(bytes)}`);
}

/** RFC 5280 section 4.1.2.5: UTCTime through 2049. */
export function time(date: Date): Asn1 {
  return date.getUTCFullYear() < 2050
    ? primitive(Type.UTCTIME, String(forge.asn1.dateToUtcTime(date)))
    : primitive(Type.GENERALIZEDTIME, String(forge.asn1.dateToGeneralizedTime(date)));
}

function primitive(type: forge.asn1.Type, value: string): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, type, false, value);
}

/** What it consists of. Throws SyntaxError when it is no sequence, set or the like. */
export function partsOf(tree: Asn1 | undefined): readonly Asn1[] {
  if (!Array.isArray(tree?.value)) throw new SyntaxError("Cannot read ASN.1: parts are missing");
  return tree.value;
}

/** Its content, a character a byte. Throws SyntaxError when it consists of parts. */
export function contentOf(tree: Asn1 | undefined): string {
  if (typeof tree?.value !== "string") throw new SyntaxError("Cannot read ASN.1: content is missing");
  return tree.value;
}

/** An object identifier as "2.5.29.17". */
export function oidOf(tree: Asn1 | undefined): string {
  return forge.asn1.derToOid(contentOf(tree));
}
