/**
 * Byte strings on which two readers of HTTP/1.1 may disagree, each with what must become of it. Where RFC 9112 lets a server refuse
 * or repair, we refuse: what is repaired here may be read otherwise by whoever stands behind us.
 */
import type { SmugglingCase } from "./case.ts";
import { CHUNKED } from "./chunks.ts";
import { CONNECTIONS } from "./connection.ts";
import { CONTENT_LENGTHS } from "./content_length.ts";
import { FIELDS } from "./fields.ts";
import { HOSTS } from "./host.ts";
import { REQUEST_LINE } from "./request_line.ts";
import { TARGETS } from "./target.ts";
import { TRANSFER_ENCODINGS } from "./transfer_encoding.ts";
import { VERSIONS } from "./version.ts";

export const CORPUS: readonly SmugglingCase[] = [
  ...REQUEST_LINE,
  ...VERSIONS,
  ...TARGETS,
  ...HOSTS,
  ...FIELDS,
  ...CONTENT_LENGTHS,
  ...TRANSFER_ENCODINGS,
  ...CHUNKED,
  ...CONNECTIONS,
];
