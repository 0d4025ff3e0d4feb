/** The process of a {@linkcode LoadGenerator}: a command a line on stdin, its answer a line on stdout. */
import { lines } from "./lines.ts";
import { allTlsClients, type Connections } from "./connections.ts";
import { type Count, counted } from "./counted.ts";
import { type HandshakeCount, type Handshakes, handshakes } from "./handshakes.ts";
import { held, type Hold } from "./held.ts";
import { type Latencies, type Pace, paced } from "./paced.ts";

export type Command =
  | { readonly do: "paced" } & Pace
  | { readonly do: "counted" } & Count
  | { readonly do: "handshakes" } & Handshakes
  | { readonly do: "hold" } & Hold
  | { readonly do: "release" };

export interface Result {
  readonly latencies?: Latencies;
  readonly handshakes?: HandshakeCount;
}

export type Answer = { readonly error: string } | Result;

let holding: Connections | undefined;

function carryOut(command: Command): Answer {
  switch (command.do) {
    case "paced":
      return { latencies: paced(command) };
    case "counted":
      counted(command);
      return {};
    case "handshakes":
      return { handshakes: handshakes(allTlsClients(), command) };
    case "hold":
      holding = held(command);
      return {};
    case "release":
      holding?.close();
      holding = undefined;
      return {};
  }
}

function answer(line: string): Answer {
  try {
    return carryOut(JSON.parse(line));
  } catch (error) {
    return { error: String(error) };
  }
}

if (import.meta.main) {
  for await (const line of lines(Deno.stdin.readable)) console.log(JSON.stringify(answer(line)));
}
