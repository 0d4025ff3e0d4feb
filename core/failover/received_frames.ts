/** How many frames an interface has received: of this process's own network namespace, proc(5). */

/** 0 where there is no such interface. */
export function receivedFrames(interfaceName: string): number {
  for (const line of Deno.readTextFileSync("/proc/net/dev").split("\n")) {
    const [name, figures] = line.split(":");
    if (name!.trim() !== interfaceName || !figures) continue;
    return Number(figures.trim().split(/\s+/)[1]);
  }
  return 0;
}
