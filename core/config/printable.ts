/** Text of a file that anybody may have written, as a terminal can show it. */

/** Longest text of a file that a message repeats, characters. */
const SHOWN = 80;
/** Control and format characters: among them are ESC, which begins terminal commands, and those that turn the direction. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with each invisible character as `\x1b` or `\u{202e}`. */
export function printable(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0)!.toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u{${code}}`;
  });
}

/** The text on one line, cut when it is long. */
export function shortened(text: string): string {
  // A character is at most two units of a string.
  const characters = [...text.slice(0, 2 * SHOWN + 2).replaceAll(/\s+/g, " ")];
  return characters.length > SHOWN ? `${characters.slice(0, SHOWN).join("")}...` : characters.join("");
}
