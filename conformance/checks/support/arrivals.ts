/** Whether a stream comes as it is made. What is made within a few milliseconds may come in one piece: nobody waits for it. */

import type { Exchange } from "../../src/exchange.ts";
import { assume, expectStatus } from "../../src/expect.ts";
import { sseFrames } from "../../src/expect-stream.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { answerOwners, OWNERS } from "./owners.ts";

/** A machine that is busy with others may read all at once what was sent piece by piece, but not each time. */
const ATTEMPTS = 3;
const FRAMES_MIN = 12;
/** Of the time that a long stream takes more than a short one: below it, pieces can meet on their way. */
const MAKING_MS_MIN = 40;

export interface FlushCall {
  readonly long: () => Promise<Exchange>;
  /** The same for one token. */
  readonly short: () => Promise<Exchange>;
}

/** @throws Failure where a long stream comes in one piece, Inconclusive where it is made too fast to tell */
export async function expectFlushed({ long, short }: FlushCall): Promise<void> {
  const longMs: number[] = [];
  const shortMs: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const exchange = await long();
    const { chunks, endAtMs } = assume("a stream", answerOwners(exchange), () => expectStatus(exchange, 200));
    if (assume("frames", OWNERS.streamFramed, () => sseFrames(exchange)).length < FRAMES_MIN) {
      throw new Inconclusive("too few frames to tell", "chance");
    }
    // A comment that keeps the connection alive is no delta.
    if (chunks.filter(({ bytes }) => Buffer.from(bytes).includes("data:")).length > 1) return;
    longMs.push(endAtMs);
    const quick = await short();
    shortMs.push(assume("a short stream", answerOwners(quick), () => expectStatus(quick, 200)).endAtMs);
    const makingMs = Math.min(...longMs) - Math.max(...shortMs);
    if (makingMs < MAKING_MS_MIN) throw new Inconclusive("the whole stream is made too fast to tell", "chance");
    if (attempt < ATTEMPTS - 1) continue;
    throw new Failure({ observer: "wire", expected: "several arrivals", actual: "all bytes at once", exchange });
  }
}
