/** A web server of the tests on every address: bulk_server.ts NAME PORT. GET gives 50 MB, PUT counts what it gets. */
export const BULK_BYTES = 50_000_000;

const PIECE = new Uint8Array(500_000).fill(0x61);

function bulk(): ReadableStream<Uint8Array> {
  let left = BULK_BYTES / PIECE.length;
  return new ReadableStream({ pull: (controller) => left-- > 0 ? controller.enqueue(PIECE) : controller.close() });
}

async function count(body: ReadableStream<Uint8Array> | null): Promise<number> {
  let bytes = 0;
  for await (const piece of body ?? []) bytes += piece.length;
  return bytes;
}

if (import.meta.main) {
  const [name, port] = Deno.args;
  Deno.serve({ hostname: "::", port: Number(port), onListen: () => console.log("bulk ready") }, async (request) => {
    if (request.method === "PUT") return Response.json({ name, bytes: await count(request.body) });
    return new URL(request.url).pathname === "/bulk" ? new Response(bulk()) : Response.json({ name });
  });
}
