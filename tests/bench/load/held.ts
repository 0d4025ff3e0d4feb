/** Connections that stay open after one request each. */
import type { Target } from "./client.ts";
import { Connections } from "./connections.ts";

export interface Hold extends Target {
  readonly path: string;
  readonly connections: number;
}

/** Few at a time: the server shall not need more buffers and back-end connections than under light load. */
const AT_A_TIME = 8;

export function held({ path, connections: count, ...target }: Hold): Connections {
  const connections = new Connections(target, path);
  let answered = 0;
  const done = () => void answered++;
  while (answered < count) {
    const opened = connections.open(Math.min(AT_A_TIME, count - answered));
    opened.forEach((connection) => connections.send(connection));
    while (opened.some(({ isBusy }) => isBusy)) connections.wait(Infinity, done);
  }
  return connections;
}
