/** Spaces and tabs at the ends of a text: RFC 9110 section 5.6.3. JavaScript's trim() takes others too, as 0xa0, which is text here. */
export function trimWhitespace(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}
