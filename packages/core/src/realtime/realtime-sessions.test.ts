import { expect, test, vi } from "vitest";
import { operations } from "@openai-compat/spec";
import { AiError } from "../ai-error.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { CLEAR, COMMIT, MANUAL, append, createTestService, update } from "../testing/open-test-session.ts";
import type { RealtimeSession } from "./realtime-session.ts";

type Sound = readonly [ms: number, isLoud: boolean];

/** In pieces of 100 ms, as a client sends them. */
async function speak(session: RealtimeSession, ...sounds: readonly Sound[]): Promise<void> {
  for (const [ms, isLoud] of sounds) {
    for (let sent = 0; sent < ms; sent += 100) await session.receive(append(Math.min(100, ms - sent), isLoud));
  }
}

test("a turn that the client commits is committed, added and completed", async () => {
  const { open, records } = createTestService();
  const { session, reader } = await open();
  for (const input of [MANUAL, append(250, true), COMMIT]) await session.receive(input);
  await reader.until("turn-completed");
  expect(reader.types().filter((type) => type !== "text-delta")).toEqual([
    "session-created",
    "session-updated",
    "committed",
    "item-added",
    "item-done",
    "turn-completed",
  ]);
  expect(reader.of("turn-completed")).toMatchObject([{ text: "one more", heardMs: 250, language: "en" }]);
  await session.close("disconnected");
  expect(records).toMatchObject([{ operationId: "connectRealtime", outcome: "completed", streamed: true }]);
});

test("speech that is detected becomes a turn, with its padding before and its pause after it", async () => {
  const { open, records } = createTestService();
  const { session, reader } = await open();
  await speak(session, [1000, false], [400, true], [600, false]);
  await reader.until("turn-completed");
  expect(reader.of("speech-started")).toMatchObject([{ audioStartMs: 700 }]);
  expect(reader.of("speech-stopped")).toMatchObject([{ audioEndMs: 1900 }]);
  expect(reader.of("turn-completed")).toMatchObject([{ text: "one more more more" }]);
  await session.close("disconnected");
  expect(records).toMatchObject([{ usage: { audioMs: 1200 } }]);
});

test("no audio belongs to two turns, and none of them is lost", async () => {
  const { open, records } = createTestService();
  const { session, reader } = await open();
  await session.receive(update({ turnDetection: { silenceMs: 200 } }));
  await speak(session, [500, false], [300, true], [300, false], [300, true], [300, false], [300, true], [300, false]);
  await reader.until("turn-completed", 3);
  expect(reader.of("turn-completed").map(({ text }) => text)).toEqual(Array(3).fill("one more more"));
  const starts = reader.of("speech-started").map(({ audioStartMs }) => audioStartMs);
  const stops = reader.of("speech-stopped").map(({ audioEndMs }) => audioEndMs);
  expect(starts.slice(1).every((startMs, index) => startMs >= (stops[index] ?? 0))).toBe(true);
  expect(reader.of("committed").map(({ previousItemId }) => previousItemId)).toEqual([
    null,
    ...reader
      .of("committed")
      .map(({ itemId }) => itemId)
      .slice(0, 2),
  ]);
  await session.close("disconnected");
  const heardMs = records.reduce((sum, { usage }) => sum + usage.audioMs, 0);
  expect(heardMs).toBe(stops.reduce((sum, endMs, index) => sum + endMs - (starts[index] ?? 0), 0));
});

test("silence is watched and not charged", async () => {
  const { open, records, credits } = createTestService();
  const { session } = await open();
  await speak(session, [5000, false]);
  await session.close("disconnected");
  expect(records).toEqual([]);
  expect(credits.entries).toEqual([]);
});

test("text goes out while nothing more comes in", async () => {
  const { open } = createTestService();
  const { session, reader } = await open();
  await session.receive(MANUAL);
  await session.receive(append(300, true));
  await reader.until("text-delta", 3);
  expect(reader.types()).not.toContain("committed");
  await session.close("disconnected");
});

test("a commit of too little says so, and the buffer goes on", async () => {
  const { open } = createTestService();
  const { session, reader } = await open();
  for (const input of [MANUAL, COMMIT, append(99, true), COMMIT, append(1, true), COMMIT]) await session.receive(input);
  await reader.until("turn-completed");
  expect(reader.of("error").map(({ error, causedBy }) => [error.code, error.message, causedBy])).toEqual([
    ["buffer_too_small", expect.stringContaining("buffer only has 0.00ms of audio."), "commit_1"],
    ["buffer_too_small", expect.stringContaining("buffer only has 99.00ms of audio."), "commit_1"],
  ]);
  await session.close("disconnected");
});

test("an engine that breaks fails its turn, and the next turn of the session works", async () => {
  let turns = 0;
  const { open } = createTestService({
    onTurn: async () => {
      turns += 1;
      if (turns === 1) throw new AiError("engine_failed", "The process ended.");
    },
  });
  const { session, reader } = await open();
  await session.receive(MANUAL);
  for (const input of [append(200, true), COMMIT, append(200, true), COMMIT]) await session.receive(input);
  await reader.until("turn-completed");
  expect(reader.of("turn-failed")).toMatchObject([{ error: { code: "engine_failed", message: "The process ended." } }]);
  expect(session.counts).toMatchObject({ turns: 2, failedTurns: 1 });
  await session.close("disconnected");
});

test("a detector that breaks is begun anew, and the speech that it had heard is found again", async () => {
  let broken = 0;
  const { open } = createTestService({
    onDetected: async (atMs) => {
      if (atMs < 600 || broken > 0) return;
      broken += 1;
      throw new AiError("engine_failed", "The process ended.");
    },
  });
  const { session, reader } = await open();
  await speak(session, [300, false], [500, true]);
  await reader.until("turn-completed");
  await speak(session, [500, true], [800, false]);
  await reader.until("turn-completed", 2);
  expect(broken).toBe(1);
  expect(reader.types()).not.toContain("turn-failed");
  await session.close("disconnected");
});

test("a detector that breaks again and again ends the session, with its reason", async () => {
  vi.useFakeTimers();
  const { open } = createTestService({
    onDetected: () => Promise.reject(new AiError("engine_unavailable", "The model can't be loaded.")),
  });
  const { session, reader } = await open();
  await session.receive(append(100, false));
  await vi.advanceTimersByTimeAsync(20_000);
  vi.useRealTimers();
  await reader.done;
  expect(reader.of("error")).toMatchObject([{ error: { code: "engine_unavailable" } }]);
  expect(reader.of("end")).toMatchObject([{ reason: "failed" }]);
});

test("audio that nobody has listened to is bounded, and its sender waits", async () => {
  const { promise: isReady, resolve } = Promise.withResolvers<void>();
  const { open } = createTestService({ onTurn: () => isReady, limits: { bufferMsMax: 500 } });
  const { session, reader } = await open();
  await session.receive(MANUAL);
  await session.receive(append(500, true));
  let hasRoom = false;
  const waiting = session.receive(append(100, true)).then(() => void (hasRoom = true));
  await new Promise((done) => void setTimeout(done, 20));
  expect(hasRoom).toBe(false);
  resolve();
  await waiting;
  await session.receive(COMMIT);
  await reader.until("turn-completed");
  expect(reader.of("turn-completed")).toMatchObject([{ heardMs: 600 }]);
  await session.close("disconnected");
});

test("turns that wait for a slot count together: their sender waits, however short each is", async () => {
  const { promise: isReady, resolve } = Promise.withResolvers<void>();
  const { open } = createTestService({ turns: 2, onTurn: () => isReady, limits: { bufferMsMax: 1000 } });
  const { session, reader } = await open();
  await session.receive(MANUAL);
  let taken = 0;
  const sending = (async () => {
    for (let turn = 0; turn < 12; turn += 1) {
      await session.receive(append(200, true));
      await session.receive(COMMIT);
      taken += 1;
    }
  })();
  await vi.waitFor(() => expect(taken).toBe(5), { timeout: 20_000 });
  await new Promise((done) => void setTimeout(done, 20));
  expect(taken).toBe(5);
  resolve();
  await sending;
  await reader.until("turn-completed", 12);
  expect(
    reader
      .of("turn-completed")
      .map(({ itemId }) => itemId)
      .toSorted(),
  ).toEqual(
    reader
      .of("committed")
      .map(({ itemId }) => itemId)
      .toSorted(),
  );
  await session.close("disconnected");
});

test("turns that are begun and dropped in a row are ended before more are taken", async () => {
  let begun = 0;
  let running = 0;
  let most = 0;
  const { promise: isReady, resolve } = Promise.withResolvers<void>();
  const { open, credits } = createTestService({
    onCredentialAsked: async () => {
      begun += 1;
      running += 1;
      most = Math.max(most, running);
      await isReady;
      running -= 1;
    },
  });
  const { session } = await open();
  await session.receive(MANUAL);
  const sending = (async () => {
    for (let turn = 0; turn < 200; turn += 1) {
      await session.receive(append(100, true));
      await session.receive(CLEAR);
    }
  })();
  await new Promise((done) => void setTimeout(done, 20));
  expect(begun).toBeLessThan(40);
  resolve();
  await sending;
  expect(begun).toBe(200);
  expect(most).toBeLessThan(40);
  await session.close("disconnected");
  expect(credits.holds.size).toBe(0);
});

test("one message may hold more audio than fits, and is taken as it is listened to", async () => {
  const { open } = createTestService({ limits: { bufferMsMax: 1000 } });
  const { session, reader } = await open();
  for (const input of [MANUAL, append(20_000, true), COMMIT]) await session.receive(input);
  await reader.until("turn-completed");
  expect(reader.of("turn-completed")).toMatchObject([{ heardMs: 20_000 }]);
  await session.close("disconnected");
});

test("sessions share the slots of turns, and a turn that gets none in time fails", async () => {
  const { promise: isReady, resolve } = Promise.withResolvers<void>();
  const { open } = createTestService({ turns: 1, onTurn: () => isReady });
  const first = await open();
  const second = await open({}, authoriseTestCall(operations.connectRealtime, { accountId: "bob" }));
  for (const { session } of [first, second]) {
    for (const input of [MANUAL, append(200, true), COMMIT]) await session.receive(input);
  }
  await second.reader.until("turn-failed");
  expect(second.reader.of("turn-failed")).toMatchObject([{ error: { code: "queue_timeout" } }]);
  resolve();
  await first.reader.until("turn-completed");
  for (const { session } of [first, second]) await session.close("disconnected");
});

test("a credential that is not good any more ends the session: at a turn, and between turns", async () => {
  let isGood = true;
  const refuse = () => {
    if (!isGood) throw new AiError("invalid_credentials", "The token has expired.");
  };
  const { open } = createTestService({ onCredentialAsked: refuse, limits: { credentialCheckMs: 20 } });
  const between = await open();
  const atTurn = await open({ limits: { ...between.limits, credentialCheckMs: 60_000 } });
  isGood = false;
  await between.reader.done;
  for (const input of [MANUAL, append(200, true), COMMIT]) await atTurn.session.receive(input);
  await atTurn.reader.done;
  for (const { reader } of [between, atTurn]) {
    expect(reader.of("error")).toMatchObject([{ error: { code: "invalid_credentials" } }]);
    expect(reader.of("end")).toMatchObject([{ reason: "credential" }]);
  }
});

test("an identity that can't be examined fails a turn and no session", async () => {
  let isAway = true;
  const { open } = createTestService({
    onCredentialAsked: () => {
      if (isAway) throw new AiError("identity_unavailable", "The store is away.");
    },
    limits: { credentialCheckMs: 10 },
  });
  const { session, reader } = await open();
  for (const input of [MANUAL, append(200, true), COMMIT]) await session.receive(input);
  await reader.until("turn-failed");
  isAway = false;
  for (const input of [append(200, true), COMMIT]) await session.receive(input);
  await reader.until("turn-completed");
  await session.close("disconnected");
});

test.each([
  ["sessionMsMax", "expired", "session_expired"],
  ["idleMsMax", "idle", "session_idle"],
] as const)("a session ends after %s", async (limit, reason, code) => {
  const { open } = createTestService({ limits: { [limit]: 30 } });
  const { reader, session } = await open();
  await reader.done;
  expect(reader.of("error")).toMatchObject([{ error: { code } }]);
  expect(reader.of("end")).toMatchObject([{ reason }]);
  await session.receive(append(100, true));
  await session.close("disconnected");
});

test("a reader that doesn't read is given up", async () => {
  const { service } = createTestService();
  const call = authoriseTestCall(operations.connectRealtime);
  const { limits } = await createTestService().open();
  const session = await service.openRealtime(call, {
    intent: "transcription",
    model: null,
    patch: null,
    authoriseTurn: async () => call,
    limits,
    createDecoder: () => ({ push: () => new Int16Array(0), flush: () => new Int16Array(0) }),
  });
  for (let sent = 0; sent < 5000; sent += 1) await session.receive({ type: "commit", eventId: null });
  const seen: unknown[] = [];
  for await (const output of session.outputs) seen.push(output);
  expect(seen.length).toBeLessThan(4200);
  expect(seen.at(-1)).toMatchObject({ type: "end", reason: "slow-reader" });
  await session.close("disconnected");
});

test("what refuses a session is thrown before it opens", async () => {
  const { open, service } = createTestService();
  const withModel = (model: string) => open({ patch: { type: "transcription", transcription: { model } } });
  await expect(withModel("none")).rejects.toMatchObject({ code: "model_not_found" });
  await expect(withModel("deaf")).rejects.toMatchObject({ code: "not_implemented" });
  await expect(createTestService({ granted: 0 }).open()).rejects.toMatchObject({ code: "quota_exceeded" });
  const { session, reader } = await open();
  const closing = service.close();
  await expect(open()).rejects.toMatchObject({ code: "shutting_down" });
  await closing;
  expect(reader.of("end")).toMatchObject([{ reason: "shutting-down" }]);
  await session.close("disconnected");
});

test("the model of a realtime session is shown, and transcribes where it can", async () => {
  const { open } = createTestService();
  const configOf = async (model: string) => {
    const { session, reader } = await open({ intent: "model", model });
    await reader.until("session-created");
    await session.close("disconnected");
    return reader.of("session-created")[0]?.session.config;
  };
  expect(await configOf("gpt-realtime")).toMatchObject({
    type: "realtime",
    model: "gpt-realtime",
    transcription: { model: "default" },
  });
  expect(await configOf("ears")).toMatchObject({ model: "ears", transcription: { model: "ears" } });
});
