import { transcribe, transcriptionEngineContract } from "@openai-compat/core/transcription-engine-contract";
import { speak } from "@openai-compat/core/speech-engine-contract";
import { transcribeLive } from "@openai-compat/core/live-transcription-contract";
import type { LiveTranscription, TranscriptionEngine } from "@openai-compat/core";
import { expect, test } from "vitest";
import { decodeAudio } from "../audio/index.ts";
import { createScriptedSpeechEngine } from "./scripted-speech-engine.ts";
import { createScriptedTranscriptionEngine } from "./scripted-transcription-engine.ts";

const TEXT = "The sea is wide. Rain falls on 3 roofs! Größe 😀?";
const { bytes: speech, audioMs } = await speak(createScriptedSpeechEngine(), { text: TEXT, format: "wav" });
const liveSpeech = await decodeSamples(speech);
const silence = speech.slice(0, 44 + 2 * 24_000 * 2).fill(0, 44);

transcriptionEngineContract("scripted transcription", {
  createEngine: () => createScriptedTranscriptionEngine(),
  speech,
  audioMs,
  language: "en",
  silence,
  live: { speech: liveSpeech },
});

async function decodeSamples(bytes: Uint8Array<ArrayBuffer>): Promise<Int16Array> {
  const samples: number[] = [];
  for await (const piece of decodeAudio([bytes], new AbortController().signal)) {
    samples.push(...piece);
  }
  return Int16Array.from(samples);
}

function requireLive({ live }: TranscriptionEngine): LiveTranscription {
  if (live === null) throw new Error("It listens to recordings alone.");
  return live;
}

test("live audio has the text of the recording, wherever it is cut and however fast it is spoken", async () => {
  const live = requireLive(createScriptedTranscriptionEngine());
  expect((await transcribeLive(live, liveSpeech)).text).toBe(TEXT);
  expect((await transcribeLive(live, liveSpeech.subarray(333))).text).not.toBe("");
  for (const speed of [0.25, 0.7, 1, 2.3, 4]) {
    const { bytes } = await speak(createScriptedSpeechEngine(), { text: TEXT, format: "wav", speed });
    const samples = await decodeSamples(bytes);
    expect((await transcribeLive(live, samples)).text).toBe(TEXT);
  }
});

test("a long live utterance is understood to its end", async () => {
  const text = "abcdefghij".repeat(60);
  const { bytes } = await speak(createScriptedSpeechEngine(), { text, format: "wav" });
  const samples = await decodeSamples(bytes);
  const live = requireLive(createScriptedTranscriptionEngine());
  expect((await transcribeLive(live, samples)).text).toBe(text);
});

test("letters come while they are spoken, and other sounds have the words of their recording", async () => {
  const live = requireLive(createScriptedTranscriptionEngine());
  const { events } = await transcribeLive(live, liveSpeech);
  expect(events.filter(({ type }) => type === "text-delta").length).toBeGreaterThan(20);
  const hum = Int16Array.from({ length: 2 * 16_000 }, (_, index) => 8000 * Math.sin(index / 6));
  expect((await transcribeLive(live, hum)).text).toBe("the sea is wide and");
  // It begins with the start tone, and goes on as nothing that is said.
  const odd = hum.map((sample, index) => (index < 1920 ? 8000 * Math.sin((index * Math.PI * 800) / 16_000) : sample));
  expect((await transcribeLive(live, odd)).text).toBe("the sea is wide and");
  const short = Int16Array.from({ length: 200 }, (_, index) => 8000 * Math.sin(index / 6));
  expect((await transcribeLive(live, short)).text).toBe("the");
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
  const prepared = await engine.prepare({ pieces: [speech], ...options, ...details }, gone.signal);
  const events = engine.transcribe(prepared, gone.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ type: "transcription-start" });
  const next = events.next();
  gone.abort(new Error("the client disconnected"));
  await expect(next).rejects.toThrow(/aborted|disconnected/);
  await engine.close();
});
