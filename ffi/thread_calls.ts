/** Calls under way on Deno's thread pool that the event loop of a proxy process waits for. */

/** While there are any, Deno's own loop needs its turn often: only there a call returns. */
export let callsUnderWay = 0;

export async function counted<T>(call: Promise<T>): Promise<T> {
  callsUnderWay++;
  try {
    return await call;
  } finally {
    callsUnderWay--;
  }
}
