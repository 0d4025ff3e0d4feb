/** The device of a server's keys, as the config names it. */
import { Pkcs11Token, TokenError } from "../../ffi/pkcs11_token.ts";
import { Unreadable } from "../config/read.ts";
import { UsageError } from "../errors.ts";
import { readPin } from "./pin_file.ts";

/** Opens a PKCS#11 module with the PIN of the file. Throws UsageError in one line. */
export function openToken(module: string, pinFile: string): Pkcs11Token {
  try {
    return new Pkcs11Token(module, readPin(pinFile));
  } catch (error) {
    if (error instanceof Unreadable) throw new UsageError(`Cannot use the PIN file ${pinFile}: ${error.message}`);
    throw error instanceof TokenError ? new UsageError(tokenLine(error)) : error;
  }
}

export function tokenLine({ part, message, subject }: TokenError): string {
  switch (part) {
    case "engine":
      return message;
    case "module":
      return `Cannot use the PKCS#11 module ${subject}: ${message}`;
    case "PIN":
      return `The token does not take its PIN: ${message}`;
    case "key":
      return `Cannot use the key ${subject}: ${message}`;
  }
}
