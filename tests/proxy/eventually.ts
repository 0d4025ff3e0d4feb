import { delay } from "../../core/delay.ts";

/** Repeats assertions about another process until they hold; after `ms` their error is thrown. */
export async function eventually(assertions: () => void | Promise<void>, ms = 3_000): Promise<void> {
  const until = performance.now() + ms;
  while (true) {
    try {
      return await assertions();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await delay(20);
  }
}
