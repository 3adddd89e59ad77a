import { expect, test } from "vitest";
import { COMMIT, MANUAL, append, createTestService } from "../testing/open-test-session.ts";

test("a turn that the client commits is committed, added and completed, and paid for as heard", async () => {
  const { open, records } = createTestService();
  const { session, reader } = await open();
  for (const input of [MANUAL, append(250, true), COMMIT]) await session.receive(input);
  await reader.until("turn-completed");
  expect(reader.types()).toEqual([
    "session-created",
    "session-updated",
    "committed",
    "item-added",
    "item-done",
    "text-delta",
    "text-delta",
    "turn-completed",
  ]);
  expect(reader.of("turn-completed")).toMatchObject([{ text: "one more", heardMs: 250, language: "en" }]);
  await session.close("disconnected");
  expect(records).toMatchObject([{ operationId: "connectRealtime", outcome: "completed", chargedAmount: 250 }]);
});

test("speech that is detected becomes a turn, with its padding before and its pause after it", async () => {
  const { open, records, credits } = createTestService();
  const { session, reader } = await open();
  for (const [ms, isLoud] of [
    [1000, false],
    [400, true],
    [600, false],
  ] as const) {
    for (let sent = 0; sent < ms; sent += 100) await session.receive(append(100, isLoud));
  }
  await reader.until("turn-completed");
  expect(reader.of("speech-started")).toMatchObject([{ audioStartMs: 700 }]);
  expect(reader.of("speech-stopped")).toMatchObject([{ audioEndMs: 1900 }]);
  expect(reader.of("turn-completed")).toMatchObject([{ text: "one more more more" }]);
  await session.close("disconnected");
  expect(records).toMatchObject([{ outcome: "completed", usage: { audioMs: 1200 }, chargedAmount: 1200 }]);
  expect(credits.holds.size).toBe(0);
});
