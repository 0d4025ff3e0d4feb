/** The head of a kept page after the origin's 304: what it says of age and life takes the place of what was said. RFC 9111 section 3.2. */
import { decodeLatin1, encodeLatin1 } from "../proxy/http1/latin1.ts";
import type { HeadBlock } from "../proxy/head_block.ts";

const TAKEN = new Set(["cache-control", "date", "expires"]);

/**
 * @param head status line and fields, each with its CR LF
 * @param isPrivate the page is this client's alone
 */
export function freshHead(head: Uint8Array, block: HeadBlock, isPrivate: boolean): Uint8Array {
  const came = new Map<string, string>();
  for (let i = 0; i < block.count; i++) {
    const name = block.name(i);
    if (!TAKEN.has(name)) continue;
    const before = came.get(name);
    came.set(name, before === undefined ? block.value(i) : `${before}, ${block.value(i)}`);
  }
  const cacheControl = came.get("cache-control");
  if (isPrivate && cacheControl !== undefined) came.set("cache-control", `${cacheControl}, private`);
  const [status = "", ...lines] = decodeLatin1(head, 0, head.length).split("\r\n").slice(0, -1);
  const kept = lines.filter((line) => !came.has(line.slice(0, line.indexOf(":")).toLowerCase()));
  const fresh = [...came].map(([name, value]) => `${name}: ${value}`);
  const text = [status, ...kept, ...fresh, ""].join("\r\n");
  const bytes = new Uint8Array(text.length);
  encodeLatin1(text, bytes, 0);
  return bytes;
}
