/**
 * What only a model with trained weights can show. Runs when the models are in the cache. The recording is of John F.
 * Kennedy's inaugural address of 1961, a work of the United States government in the public domain.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { transcribe } from "@openai-compat/core/transcription-engine-contract";
import { expect, test } from "vitest";
import { findCachedModel } from "../models/index.ts";
import { createWhisperEngine } from "./whisper-engine.ts";

const speech = Uint8Array.from(await readFile(join(import.meta.dirname, "testing", "jfk.wav")));
const SAID =
  "and so my fellow americans ask not what your country can do for you ask what you can do for your country".split(" ");

/** Words to insert, remove or replace. */
function countErrors(heard: readonly string[], said: readonly string[]): number {
  let row = said.map((_, index) => index + 1);
  for (const [index, word] of heard.entries()) {
    const next: number[] = [];
    for (const [column, expected] of said.entries()) {
      const diagonal = column === 0 ? index : (row[column - 1] ?? 0);
      const left = column === 0 ? index + 1 : (next[column - 1] ?? 0);
      next.push(Math.min(diagonal + (word === expected ? 0 : 1), (row[column] ?? 0) + 1, left + 1));
    }
    row = next;
  }
  return row.at(-1) ?? heard.length;
}

test.for(["whisper-tiny.en", "whisper-base"])("%s hears the sentence of JFK, word by word", async (id, { skip }) => {
  const [model, detector] = [await findCachedModel(id), await findCachedModel("silero-vad")];
  skip(model === null || detector === null, `${id} is not in the cache: pull it to run this test`);
  if (model === null || detector === null) return;
  const engine = createWhisperEngine({ modelPath: model.path, voiceDetectorPath: detector.path, threads: 1 });
  const { text, segments, language } = await transcribe(engine, speech, { words: true });
  await engine.close();
  const heard = text.toLowerCase().replaceAll(/[^\p{L}\s]/gu, "");
  expect(countErrors(heard.split(/\s+/), SAID)).toBeLessThanOrEqual(1);
  expect(language).toBe("en");
  const words = segments.flatMap((segment) => segment.words ?? []);
  expect(words.length).toBeGreaterThanOrEqual(SAID.length - 1);
  // The pause before the last half of the sentence.
  const last = words.at(-8);
  expect(last?.startMs).toBeGreaterThan(7500);
  expect(last?.startMs).toBeLessThan(8800);
});

test.for([2.5, 3, 5])("whisper-tiny.en hears the first %f seconds once", async (seconds, { skip }) => {
  const [model, detector] = [await findCachedModel("whisper-tiny.en"), await findCachedModel("silero-vad")];
  skip(model === null || detector === null, "whisper-tiny.en is not in the cache: pull it to run this test");
  if (model === null || detector === null) return;
  const engine = createWhisperEngine({ modelPath: model.path, voiceDetectorPath: detector.path, threads: 1 });
  const bytesPerSecond = new DataView(speech.buffer).getUint32(28, true);
  // The head says that more follows, which a decoder has to bear with.
  const { text } = await transcribe(engine, speech.slice(0, 44 + seconds * bytesPerSecond), {});
  await engine.close();
  const heard = text
    .toLowerCase()
    .replaceAll(/[^\p{L}\s]/gu, "")
    .split(/\s+/);
  expect(countErrors(heard.slice(0, 5), SAID.slice(0, 5))).toBeLessThanOrEqual(1);
  // Two words a second are spoken here at most.
  expect(heard.length).toBeLessThanOrEqual(5 + 2 * Math.max(0, seconds - 3));
});

test("whisper-tiny.en writes down a live sentence while it is spoken, within one word of the recording's text", async ({
  skip,
}) => {
  const [model, detector] = [await findCachedModel("whisper-tiny.en"), await findCachedModel("silero-vad")];
  skip(model === null || detector === null, "whisper-tiny.en is not in the cache: pull it to run this test");
  if (model === null || detector === null) return;
  const engine = createWhisperEngine({ modelPath: model.path, voiceDetectorPath: detector.path, threads: 1 });
  const { text: recorded } = await transcribe(engine, speech, {});
  const samples = new Int16Array(speech.buffer, 44, Math.floor((speech.length - 44) / 2));
  const isSaid = Promise.withResolvers<void>();
  // The second half comes once text of the first one has been sent.
  async function* speak(): AsyncGenerator<Int16Array, void> {
    for (let at = 0; at < samples.length; at += 1600) {
      if (at === 1600 * 55) await isSaid.promise;
      yield samples.slice(at, at + 1600);
    }
  }
  let text = "";
  const options = { languages: null, prompt: null, logprobs: false };
  for await (const event of engine.live?.transcribe(speak(), options, new AbortController().signal) ?? []) {
    if (event.type !== "text-delta") continue;
    text += event.text;
    isSaid.resolve();
  }
  await engine.close();
  const words = (said: string) =>
    said
      .toLowerCase()
      .replaceAll(/[^\p{L}\s]/gu, "")
      .split(/\s+/);
  expect(countErrors(words(text), words(recorded))).toBeLessThanOrEqual(1);
  expect(countErrors(words(text), SAID)).toBeLessThanOrEqual(1);
});
