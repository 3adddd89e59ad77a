import type { JsonRecord } from "@openai-compat/core";
import { expect, test } from "vitest";
import { createSessionUsage, type SessionUsage } from "./session-usage.ts";

const CONTEXT = 1000;

/** Steps of a session: what the caller sends (`>`) and what the upstream sends (`<`). */
function play(steps: readonly (readonly [">" | "<", JsonRecord])[]): SessionUsage {
  const usage = createSessionUsage(CONTEXT);
  for (const [side, event] of steps) {
    if (side === ">") usage.countSent(event);
    else usage.countReceived(event);
  }
  return usage;
}

const append = (bytes: number) =>
  [">", { type: "input_audio_buffer.append", audio: Buffer.alloc(bytes).toString("base64") }] as const;
/** So many milliseconds at 24 kHz. */
const speak = (ms: number) => append(ms * 48);
const commit = [">", { type: "input_audio_buffer.commit" }] as const;
const committed = (item_id: string) => ["<", { type: "input_audio_buffer.committed", item_id }] as const;
const transcription = "conversation.item.input_audio_transcription";
const delta = (item_id: string) => ["<", { type: `${transcription}.delta`, item_id, delta: "x" }] as const;
const completed = (item_id: string, usage?: JsonRecord) =>
  ["<", { type: `${transcription}.completed`, item_id, usage }] as const;
const failed = (item_id: string) => ["<", { type: `${transcription}.failed`, item_id }] as const;
const input = (fields: JsonRecord) => ({ session: { audio: { input: fields } } });
const created = ["<", { type: "session.created", ...input({ transcription: { model: "m" } }) }] as const;
const format = (type: string, rate?: number) => input({ format: { type, rate } });

test.each([
  ["what is not committed", [speak(500)], 0],
  ["a commit that is not confirmed", [speak(500), commit], 0],
  ["a committed turn", [speak(500), commit, committed("a")], 500],
  ["audio behind the commit", [speak(500), commit, speak(300), committed("a")], 500],
  ["two turns", [speak(500), commit, speak(300), commit, committed("a"), committed("b")], 800],
  ["a turn that is confirmed twice", [speak(500), commit, committed("a"), speak(100), committed("a")], 500],
  ["a cleared buffer", [speak(500), [">", { type: "input_audio_buffer.clear" }]], 0],
  [
    "a cleared buffer of which text had come",
    [speak(500), delta("a"), [">", { type: "input_audio_buffer.clear" }]],
    500,
  ],
  ["text before the commit", [speak(500), delta("a")], 500],
  ["text before the commit, and after", [speak(500), delta("a"), commit, committed("a"), delta("a")], 500],
  [
    "a reported duration",
    [speak(700), commit, committed("a"), completed("a", { type: "duration", seconds: 0.6 })],
    600,
  ],
  ["a duration beyond all audio", [speak(700), commit, committed("a"), completed("a", { seconds: 900 })], 700],
  ["no report", [speak(700), commit, committed("a"), completed("a")], 700],
  ["tokens alone", [speak(700), commit, committed("a"), completed("a", { input_tokens: 7, output_tokens: 2 })], 700],
  ["a turn that failed", [speak(700), commit, committed("a"), failed("a")], 0],
] as const)("%s: audio is charged by turns", (_name, steps, audioMs) => {
  expect(play([created, ...steps]).used(false).units.audioMs).toBe(audioMs);
});

test("a turn that the upstream finds lasts as long as it says, and silence around it costs nothing", () => {
  const started = ["<", { type: "input_audio_buffer.speech_started", item_id: "a", audio_start_ms: 1000 }] as const;
  const stopped = ["<", { type: "input_audio_buffer.speech_stopped", item_id: "a", audio_end_ms: 1600 }] as const;
  const usage = play([created, speak(2000), started, stopped, committed("a"), speak(100)]);
  expect(usage.used(false).units.audioMs).toBe(600);
  // What follows the turn is all that may still become one.
  expect(usage.most().audioMs).toBe(600 + 400 + 100);
});

test("what an upstream that breaks off has not transcribed costs nothing, where it transcribes", () => {
  const steps = [speak(500), commit, committed("a"), completed("a"), speak(300), commit, committed("b")] as const;
  expect(play([created, ...steps]).used(true).units.audioMs).toBe(500);
  expect(play(steps).used(true).units.audioMs).toBe(800);
});

test("the bound covers all that may still be charged", () => {
  expect(play([created, speak(500)]).most()).toMatchObject({ audioMs: 500, inputTokens: CONTEXT });
  expect(play([created, speak(500), commit, speak(100)]).most().audioMs).toBe(600);
  expect(play([created, speak(500), commit, committed("a")]).most()).toMatchObject({
    audioMs: 500,
    // Of the turn, and of one that may come.
    outputTokens: 2 * CONTEXT,
  });
});

test.each([
  ["pcm of 24 kHz is counted until something else is said", [append(48_000)], 1000],
  ["pcmu", [["<", { type: "session.updated", ...format("audio/pcmu") }], append(8000)], 1000],
  ["pcma, as the session begins", [["<", { type: "session.created", ...format("audio/pcma") }], append(8000)], 1000],
  ["pcm of 16 kHz", [["<", { type: "session.updated", ...format("audio/pcm", 16_000) }], append(32_000)], 1000],
  ["a rate that is none", [["<", { type: "session.updated", ...format("audio/pcm", 1e9) }], append(48_000)], 1000],
  ["the beta's name", [["<", { type: "s", session: { input_audio_format: "g711_ulaw" } }], append(8000)], 1000],
  [
    "a change under way to fewer bytes",
    [[">", { type: "session.update", ...format("audio/pcmu") }], append(8000)],
    1000,
  ],
  [
    "a change under way to more bytes",
    [
      ["<", { type: "session.created", ...format("audio/pcmu") }],
      [">", { type: "session.update", ...format("audio/pcm") }],
      append(8000),
    ],
    1000,
  ],
  [
    "a change that was refused",
    [
      [">", { type: "session.update", event_id: "e", ...format("audio/pcmu") }],
      ["<", { type: "error", error: { event_id: "other" } }],
      ["<", { type: "error", error: { event_id: "e" } }],
      append(48_000),
    ],
    1000,
  ],
  [
    "an update of something else",
    [
      [">", { type: "session.update", session: {} }],
      [">", { type: "session.update", ...format("audio/pcmu") }],
      ["<", { type: "session.updated", ...format("audio/pcm", 24_000) }],
      append(8000),
    ],
    1000,
  ],
  ["no text", [[">", { type: "input_audio_buffer.append", audio: 7 }]], 0],
] as const)("audio is measured by the session's format: %s", (_name, steps, audioMs) => {
  expect(play(steps).most().audioMs).toBe(audioMs);
});

test("a commit that was refused leaves its audio in the buffer", () => {
  const refused = ["<", { type: "error", error: { code: "input_audio_buffer_commit_empty", event_id: null } }] as const;
  const usage = play([created, speak(50), commit, refused, speak(150), commit, committed("a")]);
  expect(usage.used(false).units.audioMs).toBe(200);
});

test("responses cost what they report, and one is always bounded in advance", () => {
  const create = [">", { type: "response.create", event_id: "c" }] as const;
  const begun = ["<", { type: "response.created", response: { id: "r" } }] as const;
  const usage = { input_tokens: 30, output_tokens: 20, total_tokens: 50, input_token_details: { cached_tokens: 10 } };
  const done = ["<", { type: "response.done", response: { id: "r", usage } }] as const;
  expect(play([]).most()).toMatchObject({ inputTokens: CONTEXT, outputTokens: CONTEXT });
  expect(play([create]).most()).toMatchObject({ inputTokens: 2 * CONTEXT });
  expect(play([create, begun]).most()).toMatchObject({ inputTokens: 2 * CONTEXT });
  expect(play([begun]).most()).toMatchObject({ inputTokens: 2 * CONTEXT });
  const refused = ["<", { type: "error", error: { event_id: "c" } }] as const;
  expect(play([create, refused]).most()).toMatchObject({ inputTokens: CONTEXT });
  const over = play([create, begun, done]);
  expect(over.most()).toMatchObject({ inputTokens: CONTEXT + 30, outputTokens: CONTEXT + 20 });
  expect(over.used(false)).toEqual({
    units: { inputTokens: 30, outputTokens: 20, cachedTokens: 10, audioMs: 0, characters: 0 },
    source: "reported",
  });
});

test("in a session that transcribes nothing, no text of a turn is awaited", () => {
  const turns = Array.from({ length: 20 }, (_, index) => [speak(100), commit, committed(`item_${index}`)]).flat();
  expect(play(turns).most()).toMatchObject({ audioMs: 2000, outputTokens: CONTEXT });
});

test("usage is estimated as soon as one report is missing", () => {
  const turn = (id: string, usage?: JsonRecord) => [speak(100), commit, committed(id), completed(id, usage)];
  expect(play(turn("a", { seconds: 0.1 })).used(false).source).toBe("reported");
  expect(play([...turn("a", { seconds: 0.1 }), ...turn("b")]).used(false).source).toBe("estimated");
  expect(play([]).used(false).source).toBe("estimated");
});

test("a caller who commits more than is confirmed loses no audio, and takes no memory", () => {
  const commits = Array.from({ length: 2000 }, () => [speak(10), commit]).flat();
  expect(play(commits).most().audioMs).toBe(20_000);
  expect(play([...commits, committed("a")]).used(false).units.audioMs).toBe((2000 - 255) * 10);
});
