/** Host and port of a request: RFC 3986 section 3.2, RFC 9110 section 7.2. */

/** Registered name or IPv4 address, percent-encoding whole; a comma, which RFC 3986 allows, would be two hosts to who reads lists. */
const NAME = /^(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+$/;
const IPV6_LITERAL = /^\[[0-9A-Fa-f:.]+\]$/;
const PORT = /^(?::([0-9]{0,5}))?$/;

/** Whether the text is a host that is not empty, with or without a port. */
export function isAuthority(text: string): boolean {
  const colon = text.indexOf(":", text.lastIndexOf("]") + 1);
  const host = colon < 0 ? text : text.slice(0, colon);
  const port = PORT.exec(colon < 0 ? "" : text.slice(colon));
  if (port === null || Number(port[1] ?? 0) > 65_535) return false;
  return host[0] === "[" ? IPV6_LITERAL.test(host) && URL.canParse(`http://${host}/`) : NAME.test(host);
}
