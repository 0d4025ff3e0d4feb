/** Sends later fragments whose first never comes: stray_fragments.ts DESTINATION-MAC SOURCE-MAC VIP COUNT. */
import { Capture } from "../../ffi/pcap.ts";
import { tcpFrame } from "../scheduler/frames.ts";

if (import.meta.main) {
  const [destinationMac, sourceMac, to, count] = Deno.args;
  const wire = new Capture("eth0", { filter: "ether proto 0xffff", bufferBytes: 65_536 });
  for (let i = 0; i < Number(count); i++) {
    const options = { destinationMac: destinationMac!, sourceMac: sourceMac!, to: to!, from: `10.79.9.${i}` };
    const frame = Uint8Array.from(tcpFrame({ ...options, protocol: 17, fragmentOffset: 185 }));
    if (!wire.inject(frame, frame.length)) throw new Error(`Cannot send frame ${i}`);
  }
  wire.close();
}
