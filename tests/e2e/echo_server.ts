/** Answers each datagram with {name, bytes, sum}: echo_server.ts NAME PORT ADDRESS... */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { sumOf } from "./echo_client.ts";

if (import.meta.main) {
  const [name, port, ...addresses] = Deno.args;
  await Promise.all(addresses.map((address) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.on("message", (message, from) => {
      const answer = JSON.stringify({ name, bytes: message.length, sum: sumOf(message) });
      socket.send(Buffer.from(answer), from.port, from.address);
    });
    return new Promise<void>((resolve) => socket.bind(Number(port), address, resolve));
  }));
  console.log("echo ready");
}
