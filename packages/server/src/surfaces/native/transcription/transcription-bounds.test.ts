/** The bounds of one transcription that a whole server does not reach quickly. */

import { AiError } from "@openai-compat/core";
import type { RealtimeOutput, RealtimeSession } from "@openai-compat/core";
import { expect, test } from "vitest";
import { WAITING_EVENTS_MAX } from "./transcription-events.ts";
import { Transcription, WAITING_CALLS_MAX } from "./transcription.ts";

const COUNTS = { turns: 0, failedTurns: 0, heardMs: 0, receivedMs: 0 };

/** A session that takes audio when it is released, and says what it is given. */
function createSession(outputs: AsyncIterable<RealtimeOutput>) {
  const room = Promise.withResolvers<void>();
  const reasons: string[] = [];
  const session: RealtimeSession = {
    route: "local",
    id: "sess_1",
    receive: () => room.promise,
    outputs,
    close: (reason) => {
      reasons.push(reason);
      return Promise.resolve();
    },
    counts: COUNTS,
  };
  return { session, reasons, release: () => room.resolve() };
}

async function* sayNothing(): AsyncGenerator<RealtimeOutput, void> {
  await new Promise(() => {});
  yield { type: "end", reason: "disconnected", error: null };
}

test("so many calls may wait for their audio to be taken, and more are refused without being heard", async () => {
  const { session, release } = createSession(sayNothing());
  const transcription = new Transcription(session, "ada", () => {});
  const waiting = Array.from({ length: WAITING_CALLS_MAX }, (_, sequence) =>
    transcription.feed({ bytes: new Uint8Array(2), sequence }),
  );
  const late = { bytes: new Uint8Array(2), sequence: WAITING_CALLS_MAX };
  await expect(transcription.feed(late)).rejects.toMatchObject({ code: "queue_full" });
  await expect(transcription.feed(late)).rejects.toBeInstanceOf(AiError);
  release();
  await Promise.all(waiting);
  await transcription.feed(late);
});

test("so many events may wait for a reader, and then the transcription is given up", async () => {
  async function* say(): AsyncGenerator<RealtimeOutput, void> {
    for (let index = 0; index < WAITING_EVENTS_MAX; index += 1) {
      yield { type: "text-delta", eventId: `event_${index}`, itemId: "item_1", text: "word ", logprobs: null };
    }
    yield { type: "end", reason: "disconnected", error: null };
  }
  const { session, reasons } = createSession(say());
  const ended = new Promise((resolve) => void new Transcription(session, "ada", resolve));
  expect(await ended).toBe("disconnected");
  expect(reasons.length).toBeGreaterThan(1);
});
