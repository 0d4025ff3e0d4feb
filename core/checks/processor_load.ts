/** How busy a machine is by its SNMP agent: the average of its processors. */
import { createSocket } from "node:dgram";
import { randomInt } from "node:crypto";
import { decodeResponse, encodeGetNext, HR_PROCESSOR_LOAD, isBelow } from "./snmp.ts";

/** Processors that are asked for: of a larger machine these stand for all. */
const MOST_PROCESSORS = 256;
const MOST_REQUEST_ID = 2 ** 31 - 1;

export interface SnmpTarget {
  readonly address: string;
  readonly port: number;
  readonly community: string;
}

/** Percent; undefined where nobody answers before the signal aborts, or there is no such column. Never throws. */
export async function processorLoad(
  { address, port, community }: SnmpTarget,
  signal: AbortSignal,
): Promise<number | undefined> {
  const socket = createSocket("udp4");
  let requestId = randomInt(MOST_REQUEST_ID);
  const loads: number[] = [];
  try {
    return await new Promise<number | undefined>((resolve) => {
      const average = () => loads.length === 0 ? undefined : loads.reduce((sum, load) => sum + load, 0) / loads.length;
      const ask = (oid: readonly number[]) => {
        requestId = requestId % MOST_REQUEST_ID + 1;
        socket.send(encodeGetNext(community, requestId, oid), port, address);
      };
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
      if (signal.aborted) return resolve(undefined);
      socket.on("error", () => resolve(undefined));
      socket.on("message", (bytes: Uint8Array, from: { address: string; port: number }) => {
        if (from.address !== address || from.port !== port) return;
        const variable = decodeResponse(bytes, requestId);
        if (variable === undefined) return;
        const { oid, integer } = variable;
        if (!isBelow(oid, HR_PROCESSOR_LOAD) || integer === undefined) return resolve(average());
        if (integer >= 0 && integer <= 100) loads.push(integer);
        if (loads.length === MOST_PROCESSORS) return resolve(average());
        ask(oid);
      });
      ask(HR_PROCESSOR_LOAD);
    });
  } finally {
    socket.close();
  }
}
