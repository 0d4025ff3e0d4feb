/** Sends each of some bent frames so many times: bent_frames.ts DESTINATION-MAC SOURCE-MAC VIP COUNT. Prints how many in all. */
import { Capture } from "../../ffi/pcap.ts";
import { tcpFrame } from "../scheduler/frames.ts";

const VLAN = 0x8100;
const IPV6 = 0x86dd;
/** IEEE Std 802, local experimental. */
const EXPERIMENTAL = 0x88b5;

/** The frame behind so many VLAN tags. */
function tagged(frame: Uint8Array, tags: number): Uint8Array {
  const tag = [VLAN >> 8, VLAN & 255, 0, 7];
  return Uint8Array.of(...frame.subarray(0, 12), ...Array<number[]>(tags).fill(tag).flat(), ...frame.subarray(12));
}

if (import.meta.main) {
  const [destinationMac, sourceMac, to, count] = Deno.args;
  const wire = new Capture("eth0", { filter: "ether proto 0xffff", bufferBytes: 65_536 });
  const options = { destinationMac: destinationMac!, sourceMac: sourceMac!, from: "10.79.0.250", to: to! };
  const whole = tcpFrame(options);
  const frames = [
    whole.subarray(0, 14 + 10),
    whole.subarray(0, 14 + 18),
    tcpFrame({ ...options, etherType: IPV6 }).subarray(0, 14 + 38),
    tcpFrame({ ...options, etherType: VLAN }).subarray(0, 16),
    tcpFrame({ ...options, etherType: VLAN }),
    tagged(whole, 3),
    tcpFrame({ ...options, etherType: EXPERIMENTAL }),
  ];
  let sent = 0;
  for (let i = 0; i < Number(count); i++) {
    for (const frame of frames) if (wire.inject(frame, frame.length)) sent++;
  }
  wire.close();
  console.log(sent);
}
