/** A `size_t` or address parameter from a number below 2^53. Deno takes one there as it takes a bigint, without an allocation; only its types do not say so. */
export function usize(value: number): bigint {
  return value as unknown as bigint;
}
