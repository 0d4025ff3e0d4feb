/** Maps and lists of the schema. */
import * as v from "valibot";

export function map<const T extends v.ObjectEntries>(entries: T) {
  return v.strictObject(entries, "a map");
}

export function list<const T extends v.GenericSchema>(item: T) {
  return v.pipe(v.array(item, "a list"), v.minLength(1, "a list of one or more"));
}
