/** Keys from the bytes that a terminal sends. Pure. */

/** A printable ASCII character, or a name. */
export type Key = string;

/** After ESC (ECMA-48 and what xterm sends). */
const SEQUENCES: Readonly<Record<string, Key>> = {
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  "[H": "home",
  "[F": "end",
  "[1~": "home",
  "[4~": "end",
  "[5~": "page up",
  "[6~": "page down",
  OA: "up",
  OB: "down",
  OH: "home",
  OF: "end",
};

const CONTROLS: Readonly<Record<string, Key>> = {
  "\x03": "interrupt",
  "\x1a": "suspend",
  "\t": "tab",
  "\r": "enter",
  "\n": "enter",
  "\x7f": "backspace",
  "\b": "backspace",
};

/** @param bytes of one read: an escape sequence comes whole, an ESC alone is the key */
export function keysOf(bytes: Uint8Array): Key[] {
  const text = new TextDecoder("latin1").decode(bytes), keys: Key[] = [];
  for (let at = 0; at < text.length;) {
    // deno-lint-ignore no-control-regex
    const sequence = /^\x1b(\[[0-9;]*[A-Za-z~]|O[A-Z])/.exec(text.slice(at, at + 16))?.[1];
    if (sequence !== undefined) {
      const key = SEQUENCES[sequence];
      if (key !== undefined) keys.push(key);
      at += sequence.length + 1;
      continue;
    }
    const character = text[at++]!;
    if (character === "\x1b") keys.push("escape");
    else if (CONTROLS[character] !== undefined) keys.push(CONTROLS[character]);
    else if (character >= " " && character <= "~") keys.push(character);
  }
  return keys;
}
