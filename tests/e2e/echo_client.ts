/**
 * Sends datagrams of some sizes from some sockets, each after the answer to the one before: echo_client.ts VIP PORT SOCKETS BYTES...
 * Prints [{"port", "answers": [{"name", "bytes", "sum"} or null]}], as `echo_server.ts` answered.
 */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";

/** How long an answer may take, ms. */
const ANSWER_MS = 3000;

export interface Echo {
  readonly name: string;
  readonly bytes: number;
  readonly sum: number;
}

export interface EchoClient {
  readonly port: number;
  readonly answers: readonly (Echo | null)[];
}

/** What pieces that were joined in a wrong order would not have. */
export function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, at) => (sum * 31 + byte + at) >>> 0, 7);
}

/** `count` bytes that no two places share a pattern of. */
export function payloadOf(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => (at * 7 + (at >> 8) * 13) & 255);
}

async function talk(to: string, port: number, sizes: readonly number[]): Promise<EchoClient> {
  const socket = createSocket(to.includes(":") ? "udp6" : "udp4");
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  const answers: (Echo | null)[] = [];
  for (const size of sizes) {
    answers.push(
      await new Promise((resolve) => {
        const timer = setTimeout(() => resolve(null), ANSWER_MS);
        socket.once("message", (message) => {
          clearTimeout(timer);
          resolve(JSON.parse(message.toString()));
        });
        socket.send(Buffer.from(payloadOf(size)), port, to);
      }),
    );
  }
  const client = { port: socket.address().port, answers };
  socket.close();
  return client;
}

if (import.meta.main) {
  const [to, port, sockets, ...sizes] = Deno.args;
  const clients: EchoClient[] = [];
  for (let i = 0; i < Number(sockets); i++) clients.push(await talk(to!, Number(port), sizes.map(Number)));
  console.log(JSON.stringify(clients));
}
