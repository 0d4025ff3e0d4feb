/** Sends each of some bent frames so many times: bent_frames.ts DESTINATION-MAC SOURCE-MAC VIP COUNT. Prints how many in all. */
import { Capture } from "../../ffi/pcap.ts";
import { tcpFrame } from "../scheduler/frames.ts";

if (import.meta.main) {
  const [destinationMac, sourceMac, to, count] = Deno.args;
  const wire = new Capture("eth0", { filter: "ether proto 0xffff", bufferBytes: 65_536 });
  const options = { destinationMac: destinationMac!, sourceMac: sourceMac!, from: "10.79.0.250", to: to! };
  const whole = tcpFrame(options);
  const frames = [
    whole.subarray(0, 14 + 10),
    whole.subarray(0, 14 + 18),
    tcpFrame({ ...options, etherType: 0x8100 }).subarray(0, 16),
    tcpFrame({ ...options, etherType: 0x8100 }),
    tcpFrame({ ...options, etherType: 0x86dd }),
  ];
  let sent = 0;
  for (let i = 0; i < Number(count); i++) {
    for (const frame of frames) if (wire.inject(frame, frame.length)) sent++;
  }
  wire.close();
  console.log(sent);
}
