import { speak, speechEngineContract } from "@openai-compat/core/speech-engine-contract";
import { expect, test } from "vitest";
import { createScriptedSpeechEngine } from "./scripted-speech-engine.ts";

speechEngineContract("scripted speech", { createEngine: () => createScriptedSpeechEngine() });

test("the same text sounds the same, and characters are counted sentence by sentence", async () => {
  const engine = createScriptedSpeechEngine();
  const text = "The sea is wide. Rain.";
  const { bytes, spokenCharacters } = await speak(engine, { text });
  expect((await speak(engine, { text })).bytes).toEqual(bytes);
  expect([...new Set(spokenCharacters)]).toEqual([0, 17, 22]);
});

test("a text of signs alone is spoken too", async () => {
  expect((await speak(createScriptedSpeechEngine(), { text: "…" })).audioMs).toBeGreaterThan(0);
  expect((await speak(createScriptedSpeechEngine(), { text: "  " })).audioMs).toBeGreaterThan(0);
});
