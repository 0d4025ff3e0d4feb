/** The policy that a pool's config names. */
import type { PoolConfig } from "../../config/schema.ts";
import { type HashOf, hashOf } from "./hashed_part.ts";
import { Least } from "./least.ts";
import type { Policy } from "./policy.ts";
import { RandomOfTwo } from "./random_of_two.ts";
import { RoundRobin } from "./round_robin.ts";
import { hashText } from "./text_hash.ts";
import { UrlHash } from "./url_hash.ts";

export function policyOf(pool: PoolConfig): Policy {
  switch (pool.policy) {
    case "round_robin":
      return new RoundRobin();
    case "least_connections":
      return new Least("connections");
    case "least_response_time":
      return new Least("response_time");
    case "random_of_two":
      return new RandomOfTwo(Math.random);
    case "url_hash":
      return new UrlHash(hashEntries(pool), pool.hash?.bounded_load);
  }
}

/** Back ends as a table of hashes knows them: by their keys, so that it is the same wherever they stand and whatever address they have. */
export function hashEntries({ back_ends }: PoolConfig) {
  // One of weight 0 has no part; a table needs one of a weight above 0.
  return back_ends.map(({ key, weight }) => ({ name: String(key), weight }));
}

/** How the pool's requests are hashed. */
export function hashOfPool({ name, hash }: PoolConfig): HashOf {
  const { of = "url", parameter = "" } = hash ?? {};
  return hashOf(of === "parameter" ? { parameter } : of, hashText(name, 0));
}
