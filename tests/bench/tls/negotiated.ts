/** What a client that offers what OpenSSL offers by default agrees on with a proxy: openssl-s_client(1ssl). */
import { CIPHER } from "../configs.ts";
import type { Proxy } from "../setup.ts";

const WANTED = `TLSv1.3 ${CIPHER} X25519`;

/** Says it in words, the certificate's key included. Throws where it is not the same and the expected one for all. */
export async function negotiated(proxies: readonly Proxy[]): Promise<string> {
  const all = await Promise.all(proxies.map(async (proxy) => ({ name: proxy.name, is: await negotiatedBy(proxy) })));
  const words = all[0]!.is;
  if (!words.startsWith(WANTED) || all.some(({ is }) => is !== words)) {
    throw new Error(`Not ${WANTED} by all: ${all.map(({ name, is }) => `${name} ${is}`).join(", ")}`);
  }
  return `${all.map(({ name }) => name).join(", ")}: ${words}`;
}

async function negotiatedBy({ port }: Proxy): Promise<string> {
  const { stdout } = await new Deno.Command("openssl", {
    args: ["s_client", "-connect", `127.0.0.1:${port}`],
    stdin: "null",
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  const [, version, cipher] = /^New, (\S+), Cipher is (\S+)$/m.exec(text) ?? [];
  const group = /^Server Temp Key: ([^,]+)/m.exec(text)?.[1];
  const signature = /^Peer signature type: (\S+)$/m.exec(text)?.[1];
  const bits = /^Server public key is (\d+) bit$/m.exec(text)?.[1];
  return `${version} ${cipher} ${group}, certificate ${signature} ${bits} bit`;
}
