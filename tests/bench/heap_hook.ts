/** For `deno run --preload` before `dlba serve`: on SIGUSR1 collects all garbage and prints what lives, as a line of JSON. */

/** Bytes: in V8's heap, and outside of it in ArrayBuffers that the heap holds. */
export interface LiveBytes {
  readonly heap: number;
  readonly external: number;
}

if (Deno.args[0] === "serve") {
  Deno.addSignalListener("SIGUSR1", () => {
    (globalThis as unknown as { gc(): void }).gc();
    const { heapUsed, external } = Deno.memoryUsage();
    console.log(JSON.stringify({ heap: heapUsed, external } satisfies LiveBytes));
  });
}
