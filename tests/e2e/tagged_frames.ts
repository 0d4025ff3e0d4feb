/** Sends frames behind VLAN tags to the VIP: tagged_frames.ts DESTINATION-MAC SOURCE-MAC VIP COUNT, as many of each kind. */
import { Capture } from "../../ffi/pcap.ts";
import { tagged, tcpFrame } from "../scheduler/frames.ts";

if (import.meta.main) {
  const [destinationMac, sourceMac, to, count] = Deno.args;
  const wire = new Capture("eth0", { filter: "ether proto 0xffff", bufferBytes: 65_536 });
  for (let i = 0; i < Number(count); i++) {
    const frame = tcpFrame({
      destinationMac: destinationMac!,
      sourceMac: sourceMac!,
      from: "10.79.0.250",
      to: to!,
      toPort: 80,
      fromPort: i,
      flags: 16,
    });
    for (const types of [[0x8100], [0x88a8, 0x8100]]) {
      const copy = Uint8Array.from(tagged(frame, ...types));
      if (!wire.inject(copy, copy.length)) throw new Error(`Cannot send frame ${i}`);
    }
  }
  wire.close();
}
