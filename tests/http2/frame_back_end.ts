/** A back end of HTTP/2 frame by frame, in clear. */
import { sendAll } from "../proxy/harness.ts";
import { block, frame, PREFACE, type ReceivedFrame, wholeFrames } from "./peer.ts";

/** Ends the connection. */
export const END = "end";
export const SETTINGS_FRAME = frame(4, 0, 0);

/** Frames that answer a request by 200 and that body. */
export function answer(id: number, text = "ok"): number[] {
  const bytes = Array.from(text, (character) => character.charCodeAt(0));
  return [...frame(1, 4, id, block([[":status", "200"]])), ...frame(0, 1, id, bytes)];
}

/**
 * For RawBackEnd: takes the preface, says `settings`, and then what `answer` makes of each frame.
 * @param answer gets the number of the connection too, from 0
 */
export function speaking(
  answer: (frame: ReceivedFrame, connection: number) => readonly number[] | typeof END,
  settings: readonly number[] = SETTINGS_FRAME,
): (connection: Deno.Conn) => Promise<void> {
  let connections = 0;
  return async (connection) => {
    const number = connections++;
    await sendAll(connection, Uint8Array.from(settings));
    let received = new Uint8Array(0);
    let skipped = PREFACE.length;
    const buffer = new Uint8Array(65_536);
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      received = Uint8Array.from([...received, ...buffer.subarray(0, count)]);
      const taken = Math.min(skipped, received.length);
      received = received.slice(taken);
      skipped -= taken;
      const frames = wholeFrames(received);
      received = received.slice(frames.reduce((sum, { payload }) => sum + 9 + payload.length, 0));
      for (const each of frames) {
        const said = answer(each, number);
        if (said === END) return;
        await sendAll(connection, Uint8Array.from(said));
      }
    }
  };
}
