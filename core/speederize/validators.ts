/**
 * Entity tags of rewritten responses: the origin's with the version of the rules behind it, so that what was rewritten otherwise, or not
 * at all, is another representation. RFC 9110 section 8.8.3.
 */

/** `"x"` becomes `"x.dlba-<version>"`, a weak one stays weak; undefined for what is no entity tag. */
export function taggedWith(etag: string, version: string): string | undefined {
  const match = /^((?:W\/)?")([\x21\x23-\x7e\x80-\xff]*)"$/.exec(etag);
  return match ? `${match[1]}${match[2]}.dlba-${version}"` : undefined;
}

/** If-None-Match for the back end: tags of this version as the origin knows them, and those that are none of ours; "" when none is left. */
export function originTags(
  ifNoneMatch: string,
  version: string,
): { readonly value: string; readonly hadOurs: boolean } {
  if (ifNoneMatch.trim() === "*") return { value: "*", hadOurs: false };
  let hadOurs = false;
  const tags: string[] = [];
  for (const [tag] of ifNoneMatch.matchAll(/(?:W\/)?"[^"]*"/g)) {
    const [, start, ofVersion] = /^(.*)\.dlba-([0-9a-f]+)"$/.exec(tag) ?? [];
    if (start === undefined) tags.push(tag);
    else if (ofVersion === version) {
      hadOurs = true;
      tags.push(`${start}"`);
    }
  }
  return { value: tags.join(", "), hadOurs };
}

/** If-Match for the back end: whatever the rules were, its own representation is as it was. */
export function ofOrigin(ifMatch: string): string {
  return ifMatch.replace(/\.dlba-[0-9a-f]{8}"/g, '"');
}
