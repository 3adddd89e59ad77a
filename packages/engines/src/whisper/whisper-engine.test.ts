import { transcribe, transcriptionEngineContract } from "@openai-compat/core/transcription-engine-contract";
import { afterAll, expect, test } from "vitest";
import { encodeSounds } from "./testing/recordings.ts";
import { makeTinyWhisper } from "./testing/tiny-whisper.ts";
import { createWhisperEngine } from "./whisper-engine.ts";

const tiny = await makeTinyWhisper();
afterAll(() => tiny[Symbol.asyncDispose]());

const createEngine = () => createWhisperEngine({ ...tiny, threads: 1 });

transcriptionEngineContract("whisper", {
  createEngine,
  speech: encodeSounds([3]),
  audioMs: 3000,
  language: "en",
  silence: encodeSounds([0, 2]),
});

test("every field of a segment is the model's", async () => {
  const engine = createEngine();
  const { segments, text, tokens } = await transcribe(engine, encodeSounds([3]), { words: true });
  await engine.close();
  expect(text).toBe("the sea is wide and rain falls.");
  expect(segments.map(({ startMs, endMs, text: said }) => [startMs, endMs, said])).toEqual([
    [0, 1000, " the sea is wide"],
    [1000, 2000, " and rain falls."],
  ]);
  const [first] = segments;
  expect(first?.tokens).toEqual(["<|0.00|>", "Ġthe", "Ġsea", "Ġis", "Ġwide", "<|1.00|>"].map(tiny.idOf));
  expect(segments.flatMap(({ words }) => words?.map(({ word }) => word))).toEqual(text.split(" "));
  expect(tokens).toEqual({ audioTokens: 200, promptTokens: 3, outputTokens: 11 });
});
