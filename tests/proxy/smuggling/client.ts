/** A client that sends bytes as they are, and takes apart what comes back. */
import { delay } from "../../../core/delay.ts";
import { fromLatin1, latin1, sendAll } from "../harness.ts";

export interface Answer {
  readonly text: string;
  /** Status of each response, those of 1xx left out. */
  readonly statuses: readonly number[];
  /** How it ended: the server closed or reset, or said nothing more. */
  readonly end: "closed" | "reset" | "silent";
}

/** Between two pieces, ms: enough for the server to read the first alone. */
const PAUSE_MS = 2;

/** Sends the pieces and reads until the server ends the connection, or is silent for `patience` ms. */
export async function ask(port: number, pieces: readonly string[], patience: number): Promise<Answer> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  // The server may refuse and close before it took everything.
  const sending = sendPieces(connection, pieces).catch(() => {});
  const buffer = new Uint8Array(65_536);
  let answer = "";
  let end = "closed" as Answer["end"];
  // A closed connection ends the read.
  const giveUp = () => (end = "silent", connection.close());
  let timer = setTimeout(giveUp, patience);
  try {
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, patience);
      answer += fromLatin1(buffer.subarray(0, count));
    }
  } catch (error) {
    if (end !== "silent") {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      end = "reset";
    }
  }
  clearTimeout(timer);
  if (end !== "silent") connection.close();
  await sending;
  return { text: answer, statuses: statusesOf(answer), end };
}

async function sendPieces(connection: Deno.Conn, pieces: readonly string[]): Promise<void> {
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) await delay(PAUSE_MS);
    await sendAll(connection, latin1(piece));
  }
}

function statusesOf(answer: string): number[] {
  // No error page holds such a line.
  const statuses = [...answer.matchAll(/^HTTP\/1\.[01] (\d{3})[ \r]/gm)].map((match) => Number(match[1]));
  return statuses.filter((status) => status >= 200);
}
