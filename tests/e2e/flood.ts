/** Sends SYN frames to the VIP as fast as it can: flood.ts DESTINATION-MAC SOURCE-MAC VIP SECONDS. Prints how many. */
import { Capture } from "../../ffi/pcap.ts";
import { tcpFrame } from "../scheduler/frames.ts";

if (import.meta.main) {
  const [destinationMac, sourceMac, to, seconds] = Deno.args;
  const wire = new Capture("eth0", { filter: "ether proto 0xffff", bufferBytes: 65_536 });
  // ACKs: no node answers them with more than a reset.
  const frame = tcpFrame({
    destinationMac: destinationMac!,
    sourceMac: sourceMac!,
    from: "10.79.0.250",
    to: to!,
    flags: 16,
  });
  const end = performance.now() + Number(seconds) * 1000;
  let sent = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 256; i++) {
      frame[34] = sent >> 8;
      frame[35] = sent;
      if (wire.inject(frame, frame.length)) sent++;
    }
  }
  wire.close();
  console.log(sent);
}
