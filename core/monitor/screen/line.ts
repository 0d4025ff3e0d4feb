/** A line of the screen as pieces of text, each in a style; what a style looks like is the terminal's affair. Pure. */

export type Style = "plain" | "dim" | "bold" | "title" | "good" | "warning" | "error" | "bar" | "selected";

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

export function span(text: string, style: Style = "plain"): Span {
  return { text, style };
}

export function line(text: string, style: Style = "plain"): Line {
  return [span(text, style)];
}

export function lengthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + text.length, 0);
}

/** Cut to the width; filled up where `fill` is given. */
export function fit(line: Line, width: number, fill?: Style): Line {
  const spans: Span[] = [];
  let left = width;
  for (const { text, style } of line) {
    if (left <= 0) break;
    spans.push({ text: text.slice(0, left), style });
    left -= text.length;
  }
  if (fill !== undefined && left > 0) spans.push(span(" ".repeat(left), fill));
  return spans;
}

/** What stands left and what stands right on one line; the right gives way. */
export function justified(left: Line, right: Line, width: number): Line {
  const gap = width - lengthOf(left) - lengthOf(right);
  return gap < 1 ? fit(left, width) : [...left, span(" ".repeat(gap)), ...right];
}

/** Without styles, as a dumb terminal and a test see it. */
export function plainText(line: Line): string {
  return line.map(({ text }) => text).join("").trimEnd();
}

/** Text from the array that a terminal must not take for orders, nor for more than a cell a character. */
export function harmless(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
