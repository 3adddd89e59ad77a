import { expect, test } from "vitest";
import { flattenIssues } from "../shared/flatten-issues.ts";
import { validateShape } from "../shared/validate-shape.ts";
import { createSpeechResponseStreamEventSchema } from "./speech-event.ts";
import { createSpeechRequestSchema, SPEECH_CHARACTERS_MAX } from "./speech-request.ts";

const minimal = { model: "m", input: "Hello", voice: "alloy" };

function requestPaths(change: Record<string, unknown>): string[] {
  const result = createSpeechRequestSchema.safeParse({ ...minimal, ...change });
  return flattenIssues(result.error?.issues ?? []).map((issue) => issue.path);
}

test("every documented parameter is accepted at once, and as null", () => {
  const full = { instructions: "Whisper.", response_format: "pcm", speed: 0.25, stream_format: "sse" };
  expect(Object.keys({ ...minimal, ...full }).sort()).toEqual(Object.keys(createSpeechRequestSchema.shape).sort());
  expect(requestPaths(full)).toEqual([]);
  expect(requestPaths(Object.fromEntries(Object.keys(full).map((key) => [key, null])))).toEqual([]);
});

test("a voice is any name, or an id", () => {
  expect(requestPaths({ voice: "af_heart" })).toEqual([]);
  expect(requestPaths({ voice: { id: "voice_1" } })).toEqual([]);
});

test("a text is spoken up to 4096 characters", () => {
  expect(requestPaths({ input: "x".repeat(SPEECH_CHARACTERS_MAX) })).toEqual([]);
  expect(requestPaths({ input: "x".repeat(SPEECH_CHARACTERS_MAX + 1) })).toEqual(["input"]);
});

test.each([
  [{ model: "" }, "model"],
  [{ input: undefined }, "input"],
  [{ voice: null }, "voice"],
  [{ voice: {} }, "voice.id"],
  [{ instructions: "x".repeat(SPEECH_CHARACTERS_MAX + 1) }, "instructions"],
  [{ response_format: "ogg" }, "response_format"],
  [{ speed: 0.2 }, "speed"],
  [{ speed: 4.1 }, "speed"],
  [{ stream_format: "events" }, "stream_format"],
])("%j is refused at %s", (change, path) => {
  expect(requestPaths(change)).toEqual([path]);
});

const done = { type: "speech.audio.done", usage: { input_tokens: 2, output_tokens: 40, total_tokens: 42 } };

test.each([
  [{ type: "speech.audio.delta", audio: "UklGRg==" }, []],
  [done, []],
  [{ type: "speech.audio.delta", delta: "UklGRg==" }, ["audio"]],
  [{ type: "speech.audio.delta", audio: "RIFF!" }, ["audio"]],
  [{ ...done, usage: undefined }, ["usage"]],
  [{ type: "audio.delta", audio: "" }, ["type"]],
])("the event %j has faults at %j", (event, paths) => {
  expect(validateShape(createSpeechResponseStreamEventSchema, event).map((issue) => issue.path)).toEqual(paths);
});
