/** What the other side's SETTINGS say: RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1. */
import {
  DEFAULT_WINDOW,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE,
  LARGEST_WINDOW,
  PROTOCOL_ERROR,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_FRAME_SIZE,
  SETTINGS_NO_RFC7540_PRIORITIES,
} from "./codes.ts";
import { ConnectionError } from "./errors.ts";
import { readUint32 } from "./frame_reader.ts";

const LARGEST_FRAME_SIZE = 0xffffff;
const PAIR_BYTES = 6;
/** 0 and 1 are all that they may be. */
const SWITCHES = new Set([SETTINGS_ENABLE_PUSH, SETTINGS_ENABLE_CONNECT_PROTOCOL, SETTINGS_NO_RFC7540_PRIORITIES]);

export class PeerSettings {
  /** Bytes that a new stream may be sent. */
  initialWindow = DEFAULT_WINDOW;
  /** Streams that we may have at a time. */
  maxStreams = Infinity;

  /** @param isServer whether the other side is: it may not say that it takes pushes (RFC 9113 section 6.5.2) */
  constructor(readonly isServer: boolean) {}

  /** Takes whole pairs. Throws ConnectionError. */
  take(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += PAIR_BYTES) {
      const id = (bytes[at]! << 8) | bytes[at + 1]!;
      const value = readUint32(bytes, at + 2);
      if (SWITCHES.has(id) && value > 1) throw new ConnectionError(PROTOCOL_ERROR, `setting ${id} of ${value}`);
      if (id === SETTINGS_ENABLE_PUSH && this.isServer && value !== 0) {
        throw new ConnectionError(PROTOCOL_ERROR, "a server that takes pushes");
      }
      if (id === SETTINGS_MAX_CONCURRENT_STREAMS) this.maxStreams = value;
      if (id === SETTINGS_INITIAL_WINDOW_SIZE) {
        if (value > LARGEST_WINDOW) throw new ConnectionError(FLOW_CONTROL_ERROR, "initial window too large");
        this.initialWindow = value;
      } else if (id === SETTINGS_MAX_FRAME_SIZE && (value < FRAME_SIZE || value > LARGEST_FRAME_SIZE)) {
        // What it allows beyond the least is not used.
        throw new ConnectionError(PROTOCOL_ERROR, `frames of ${value} bytes`);
      }
    }
  }
}
