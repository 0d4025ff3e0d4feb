/** So many requests, as fast as the server answers them. */
import type { Target } from "./client.ts";
import { type Connection, Connections } from "./connections.ts";

export interface Count extends Target {
  readonly path: string;
  readonly connections: number;
  readonly requests: number;
}

export function counted({ path, connections: count, requests, ...target }: Count): void {
  const connections = new Connections(target, path);
  let sent = 0;
  let answered = 0;
  const sendNext = (connection: Connection) => {
    if (sent === requests) return;
    sent++;
    connections.send(connection);
  };
  const done = (connection: Connection) => {
    answered++;
    sendNext(connection);
  };
  connections.open(count);
  connections.all.forEach(sendNext);
  while (answered < requests) connections.wait(Infinity, done);
  connections.close();
}
