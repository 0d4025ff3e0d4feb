/** The shape of the `speederize` section: which content a CDN serves, and when. docs/speederize.md explains it. */
import * as v from "valibot";
import { list, map } from "./containers.ts";
import { duration, host, isIp, name, oneOf, text, whole } from "./values.ts";

const pathPattern = text(/^[/*][!-~]{0,254}$/, "a path pattern as /static/* or *.webp");
const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const cdnHost = text(
  new RegExp(`^(\\{client\\}\\.)?(${LABEL}\\.)*${LABEL}(:[1-9][0-9]{0,4})?$`),
  "a host name in lower case as cdn.example, with {client}. before it or a port behind it as wanted",
);
const NET = "a network as 192.0.2.0/24 or 2001:db8::/32";
const net = v.pipe(
  v.string(NET),
  v.check((text) => {
    const [address = "", prefix = "", rest] = text.split("/");
    return rest === undefined && isIp(address) && /^[0-9]{1,3}$/.test(prefix) &&
      Number(prefix) <= (address.includes(":") ? 128 : 32);
  }, NET),
);

export const cdnSchema = map({
  /** Of origin paths, without query; the first entry of the list that has one that fits counts. */
  paths: list(pathPattern),
  except: v.optional(v.array(pathPattern, "a list"), []),
  /** A path always goes to the same one of them. `{client}` stands for a label that tells the CDN's DNS about the client. */
  hosts: list(cdnHost),
  /** Copies on the CDN are looked at; one that fails is withdrawn. */
  check: v.optional(map({
    scheme: v.optional(oneOf(["http", "https"]), "https"),
    interval: v.optional(duration, "60s"),
    timeout: v.optional(duration, "5s"),
  })),
});

export const speederizeSchema = map({
  cdn: list(cdnSchema),
  /** Other hosts, with port where there is one, that serve the same content as the host asked for. */
  aliases: v.optional(v.array(host, "a list"), []),
  /** Attributes of images from which scripts load them later. */
  attributes: v.optional(
    v.array(text(/^data-[a-z0-9-]{1,40}$/, "an attribute as data-src"), "a list"),
    ["data-src", "data-srcset"],
  ),
  /** keep: what a page's Content-Security-Policy would block stays. extend: CDN hosts are added to it. */
  csp: v.optional(oneOf(["keep", "extend"]), "keep"),
  /** What `{client}` tells: the client's /24 or /48, or the region whose network holds it. */
  client: v.optional(oneOf(["network", "region"]), "network"),
  regions: v.optional(v.array(map({ net, region: name }), "a list"), []),
  advisor: v.optional(
    map({
      /** off: every path of the patterns moves. advise: as off, and reports what it would choose. auto: only what it chooses moves. */
      mode: v.optional(oneOf(["off", "advise", "auto"]), "off"),
      /** Responses that are looked at, in a hundred. */
      sample_percent: v.optional(whole(1, 100), 10),
      /** Most URLs that move by its choice. */
      max_urls: v.optional(whole(1, 10_000), 500),
      interval: v.optional(duration, "30s"),
    }),
    {},
  ),
  /** Requests a second of this node: content stays while there are fewer than `below`, and moves once there are more than `above`. */
  local: v.optional(map({ below: whole(0, 10_000_000), above: whole(1, 10_000_000) })),
  /** Rewritten static pages, kept by each proxy process. */
  cache: v.optional(map({ max_bytes: v.optional(whole(0, 4_294_967_296), 67_108_864) }), {}),
});
