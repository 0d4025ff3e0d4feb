/** The program in the kernel with tables of its own, for the tests: it sees only what they give it. */
import { type BpfProgram, possibleCpus } from "../../ffi/bpf.ts";
import { loadProgram, mapNameOf } from "../../core/scheduler/bpf/object.ts";
import { mapTables } from "../../core/scheduler/table_maps.ts";
import { arrayOver, type TestArray, testConfig, type TestNode, type TestSettings } from "./array.ts";

export interface Kernel extends Disposable {
  readonly array: TestArray;
  readonly program: BpfProgram;
}

/** The same array as `testArray()`, in the kernel. Needs root. */
export function kernelArray(nodes: readonly TestNode[], settings?: TestSettings): Kernel {
  const size = settings?.table_size ?? 1024, rows = possibleCpus();
  const program = loadProgram(size, rows);
  const tables = mapTables((name, bytes) => program.mapOf(mapNameOf(name), bytes), size, rows);
  tables.adopt();
  const array = arrayOver(testConfig(nodes, settings), tables);
  return {
    array,
    program,
    [Symbol.dispose]: () => {
      tables.close();
      program.close();
    },
  };
}
