/** Passwords, which never are arguments: other users of a machine see those. */
import { printable } from "../config/printable.ts";
import { readText, Unreadable } from "../config/read.ts";
import { UsageError } from "../errors.ts";

const INTERRUPT = "\x03";
const END = "\x04";
const ERASERS = ["\x7f", "\b"];

/** The first line of a file, or of standard input for `-`. Throws {@linkcode UsageError}. */
export function passwordOfFile(path: string): string {
  try {
    const text = path === "-" ? readInput() : readText(path);
    return text.split(/\r?\n/)[0]!;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw new UsageError(`Cannot read the password file ${printable(path)}: ${error.message}`);
  }
}

function readInput(): string {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\n")) {
    const count = Deno.stdin.readSync(buffer);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text;
}

/** Asks for a line that is not shown. Throws {@linkcode UsageError} where there is no terminal, or at Ctrl-C. */
export function passwordOfTerminal(prompt: string): string {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError("No terminal to ask for the password: name a file that holds it by --password-file");
  }
  // First: who sees the prompt may type at once.
  Deno.stdin.setRaw(true);
  try {
    say(prompt);
    return readLine();
  } finally {
    Deno.stdin.setRaw(false);
    say("\n");
  }
}

function readLine(): string {
  const decoder = new TextDecoder();
  const byte = new Uint8Array(1);
  const line: string[] = [];
  while (Deno.stdin.readSync(byte) !== null) {
    for (const character of decoder.decode(byte, { stream: true })) {
      if (character === INTERRUPT) throw new UsageError("Interrupted");
      if (["\r", "\n", END].includes(character)) return line.join("");
      if (ERASERS.includes(character)) line.pop();
      else line.push(character);
    }
  }
  return line.join("");
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
