/** Odd Set-Cookie fields, made systematically: what applications send, and what they should not. */

export const RULES = { cookie: "SpServer", session_cookies: ["JSESSIONID", "sid"] };

const NAMES = [
  "sid",
  "JSESSIONID",
  "SID",
  "Sid",
  "jsessionid",
  "sidx",
  "xsid",
  "sid.sig",
  "sid-2",
  "__Host-sid",
  "__Secure-sid",
  '"sid"',
  "s id",
  "sid,",
  "sid\xe9",
  "SpServer",
  "SpServerX",
  "XSpServer",
  "",
];

const VALUES = [
  "x",
  "",
  '""',
  " ",
  '"quoted value"',
  "a=b",
  "=",
  "a=b==",
  "sid=y",
  "deleted",
  "0",
  "a,b",
  " padded ",
  "%3B%20",
  '{"a":1}',
  "\xe9\x80",
  "'",
  "SpServer=3",
  "e30.e30.sig-_~",
];

const ATTRIBUTES = [
  "",
  "Path=/",
  "path=/a/b",
  "PATH=/shop",
  'Path="/quoted"',
  "Path=",
  "Path",
  "Path=relative",
  "Path=/a=b",
  "Path = /spaced",
  "Domain=shop.example",
  "domain=.shop.example",
  "DOMAIN=SHOP.EXAMPLE",
  "Domain=",
  "Domain",
  "Secure",
  "secure=",
  "Secure=false",
  "SECURE",
  "HttpOnly",
  "httponly=1",
  "SameSite=Lax",
  "samesite=STRICT",
  "SameSite=None",
  "SameSite=Bogus",
  "SameSite",
  "Max-Age=60",
  "max-age=2147483647",
  "Max-Age=0",
  "Max-Age=-1",
  "Max-Age=abc",
  'Max-Age="60"',
  "Max-Age = 60",
  "Max-Age",
  "Expires=Thu, 01 Jan 2032 00:00:00 GMT",
  "expires=Thu, 01-Jan-2032 00:00:00 GMT",
  "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
  "Expires=Thu, 01-Jan-70 00:00:01 GMT",
  "Expires=rubbish",
  "Expires=0",
  "Expires=",
  "Partitioned",
  "Priority=High",
  "Version=1",
  'Comment="no; comment"',
  "Foo",
  "Foo=Path=/evil",
  "=Path",
  "Pathx=/evil",
  "xPath=/evil",
];

const SEPARATORS = ["; ", ";", " ; ", ";;", ";\t", " ;  ; "];

/** More than 2,000 fields: names by values, attributes by separators, and ordered pairs of attributes, twice the same one among them. */
export function oddSetCookies(): string[] {
  const cases: string[] = [];
  for (const name of NAMES) {
    for (const value of VALUES) cases.push(`${name}=${value}`, `${name} = ${value}; Path=/; HttpOnly`);
    cases.push(name, `${name};x=y`, ` ${name}=x`);
  }
  for (const attribute of ATTRIBUTES) {
    for (const separator of SEPARATORS) {
      cases.push(`sid=x${separator}${attribute}`, `sid=${separator}${attribute}`, `theme=x${separator}${attribute}`);
    }
  }
  ATTRIBUTES.forEach((first, i) =>
    ATTRIBUTES.forEach((second, j) => {
      const separator = SEPARATORS[(i + j) % SEPARATORS.length]!;
      cases.push(`JSESSIONID=x.${i}.${j}${separator}${first}${separator}${second}`);
      if ((i + j) % 5 === 0) cases.push(`sid=${separator}${first}${separator}${second}${separator}Secure`);
    })
  );
  return cases.map(withoutOuterSpace);
}

/** What the reader of a head leaves of a field's value: RFC 9112 section 5. */
function withoutOuterSpace(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, "");
}
