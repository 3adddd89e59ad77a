import { transcribe, transcriptionEngineContract } from "@openai-compat/core/transcription-engine-contract";
import { speak } from "@openai-compat/core/speech-engine-contract";
import { expect, test } from "vitest";
import { createScriptedSpeechEngine } from "./scripted-speech-engine.ts";
import { createScriptedTranscriptionEngine } from "./scripted-transcription-engine.ts";

const TEXT = "The sea is wide. Rain falls on 3 roofs! Größe 😀?";
const { bytes: speech, audioMs } = await speak(createScriptedSpeechEngine(), { text: TEXT, format: "wav" });
const silence = speech.slice(0, 44 + 2 * 24_000 * 2).fill(0, 44);

transcriptionEngineContract("scripted transcription", {
  createEngine: () => createScriptedTranscriptionEngine(),
  speech,
  audioMs,
  language: "en",
  silence,
});

test("what the scripted speech engine says is understood, a sentence a segment", async () => {
  const { text, segments } = await transcribe(createScriptedTranscriptionEngine(), speech, { words: true });
  expect(text).toBe(TEXT);
  expect(segments).toHaveLength(3);
  expect(segments.flatMap(({ words }) => words?.map(({ word }) => word))).toEqual(TEXT.split(" "));
});

test("other sounds have as many words as fit into their time, the same ones every time", async () => {
  const hum = speech.slice(0, 44 + 2 * 24_000 * 2);
  const samples = new Int16Array(hum.buffer, 44);
  for (const index of samples.keys()) samples[index] = 8000 * Math.sin(index / 9);
  const engine = createScriptedTranscriptionEngine();
  const { text } = await transcribe(engine, hum);
  expect(text).toBe("the sea is wide and");
  expect((await transcribe(engine, hum)).text).toBe(text);
});

test("a pause before each segment lets a call be aborted in it", async () => {
  const engine = createScriptedTranscriptionEngine({ segmentDelayMs: 60_000 });
  const gone = new AbortController();
  const options = { task: "transcribe", languages: null, prompt: null, temperature: 0 } as const;
  const details = { words: false, logprobs: false, detection: null };
  const prepared = await engine.prepare({ bytes: speech, ...options, ...details }, gone.signal);
  const events = engine.transcribe(prepared, gone.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ type: "transcription-start" });
  const next = events.next();
  gone.abort(new Error("the client disconnected"));
  await expect(next).rejects.toThrow(/aborted|disconnected/);
  await engine.close();
});
