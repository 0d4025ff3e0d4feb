/** Whom to ask. */
import { UsageError } from "../errors.ts";
import type { StatusPort } from "../status/status_client.ts";

/** Of a config without its own. */
const DEFAULT_PORT = 7600;

/** Of every node. Throws UsageError. */
export async function portsOf(configFile: string): Promise<StatusPort[]> {
  // A monitor that is given an address needs no config, nor the time and memory to check one.
  const { loadConfig } = await import("../config/load.ts");
  const { nodes, control } = loadConfig(configFile);
  return nodes.map(({ address }) => ({ address: address.address, port: control.status_port }));
}

/** `10.0.0.1`, `10.0.0.1:7600`, `fd00::1`, `[fd00::1]:7600`. Throws UsageError. */
export function parsePort(text: string): StatusPort {
  const [, bracketed, plain, number] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+|[a-zA-Z0-9.-]+))(?::([0-9]{1,5}))?$/.exec(text) ??
      [undefined, undefined, /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text) ? text : undefined];
  const address = bracketed ?? plain, port = Number(number ?? DEFAULT_PORT);
  if (address !== undefined && port > 0 && port <= 65_535) return { address, port };
  throw new UsageError(`A status port is ADDRESS or ADDRESS:PORT, as 10.0.0.1:${DEFAULT_PORT}, found ${text}`);
}
