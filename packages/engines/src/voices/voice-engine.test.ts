import path from "node:path";
import { speak, speechEngineContract } from "@openai-compat/core/speech-engine-contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeTemporaryDirectory } from "../models/testing/temporary-directory.ts";
import type { TinyVoices } from "./testing/build-voice.ts";
import { writeTinyVoices } from "./testing/build-voice.ts";
import { createVoiceEngine } from "./voice-engine.ts";

const directory = await makeTemporaryDirectory();
const voices: TinyVoices = await writeTinyVoices(directory.path);
afterAll(() => directory[Symbol.asyncDispose]());

speechEngineContract("hibari", { createEngine: () => createVoiceEngine({ files: voices.hibari, concurrency: 2 }) });

const kokoro = createVoiceEngine({ files: voices.kokoro, aliases: { Alloy: "bm_george", friend: "am_adam" } });
beforeAll(() => kokoro.prepare({ text: "sea", voice: "af_heart", speed: 1, instructions: null, format: "pcm" }, never));
afterAll(() => kokoro.close());
const never = new AbortController().signal;

test("Kokoro speaks with voices of both accents, and OpenAI's names are names of its voices", async () => {
  for (const voice of ["af_heart", "bm_george"]) {
    expect((await speak(kokoro, { voice, text: "The sea is wide." })).audioMs).toBeGreaterThan(500);
  }
  expect(kokoro.voices).toHaveLength(54);
  expect(kokoro.voices.find(({ id }) => id === "am_onyx")?.aliases).toEqual(["onyx"]);
});

test("an operator's alias takes a name of OpenAI's from its voice", () => {
  expect(kokoro.voices.find(({ id }) => id === "bm_george")?.aliases).toEqual(["alloy", "ballad"]);
  expect(kokoro.voices.find(({ id }) => id === "af_alloy")?.aliases).toEqual([]);
  expect(kokoro.voices.find(({ id }) => id === "am_adam")?.aliases).toEqual(["friend"]);
});

test("the first piece of sound comes with the first sentence, and later ones with theirs", async () => {
  const text = "The sea is wide. Rain falls. The wind falls on the roof.";
  const { spokenCharacters } = await speak(kokoro, { text });
  expect(spokenCharacters.slice(0, 3)).toEqual([17, 29, text.length]);
});

test.each([
  ["...!?", "it has nothing that can be spoken"],
  ["今日は良い天気です。", "the voices of this model speak English, and the text is in the script Han, Hiragana"],
  ["Привет, мир", "the text is in the script Cyrillic"],
])("a text that can't be spoken is refused: %s", async (text, reason) => {
  const request = { text, voice: "af_heart", speed: 1, instructions: null, format: "pcm" } as const;
  await expect(kokoro.prepare(request, never)).rejects.toMatchObject({
    code: "invalid_value",
    param: "input",
    message: expect.stringContaining(reason),
  });
});

test("a text of hundreds of letters without a blank is spoken in pieces", async () => {
  const { audioMs, spokenCharacters } = await speak(kokoro, { text: "bad".repeat(240) });
  expect(audioMs).toBeGreaterThan(5000);
  expect(spokenCharacters.length).toBeGreaterThan(4);
});

test("words that are names of JavaScript's own are words", async () => {
  const { audioMs } = await speak(kokoro, { text: "constructor toString __proto__ hasOwnProperty valueOf" });
  expect(audioMs).toBeGreaterThan(1000);
});

test("missing files are reported by name, without a crash", async () => {
  const archivePath = path.join(directory.path, "missing.whl");
  const engine = createVoiceEngine({ files: { family: "hibari", archivePath }, loading: { retryDelayMs: 1 } });
  await expect(speak(engine, { text: "sea" })).rejects.toMatchObject({
    code: "engine_unavailable",
    message: expect.stringContaining("missing.whl"),
  });
  await engine.close();
});
