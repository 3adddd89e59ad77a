import { transcribeLive } from "@openai-compat/core/live-transcription-contract";
import { transcribe, transcriptionEngineContract } from "@openai-compat/core/transcription-engine-contract";
import type { LiveTranscription, TranscriptionEngine } from "@openai-compat/core";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { encodeSafetensorsHeader } from "../models/convert/safetensors-writer.ts";
import { makeTemporaryDirectory } from "../models/testing/temporary-directory.ts";
import { createSounds, encodeSounds } from "./testing/recordings.ts";
import { makeTinyWhisper } from "./testing/tiny-whisper.ts";
import { readWhisperConfig } from "./whisper-checkpoint.ts";
import { WHISPER_FORMAT } from "./whisper-config.ts";
import { createWhisperEngine } from "./whisper-engine.ts";

const tiny = await makeTinyWhisper();
afterAll(() => tiny[Symbol.asyncDispose]());

const never = new AbortController().signal;
const OPTIONS = {
  task: "transcribe",
  languages: null,
  prompt: null,
  temperature: 0,
  words: false,
  logprobs: false,
  detection: null,
} as const;

function requireLive({ live }: TranscriptionEngine): LiveTranscription {
  if (live === null) throw new Error("It listens to recordings alone.");
  return live;
}

const createEngine = () => createWhisperEngine({ ...tiny, threads: 1 });

transcriptionEngineContract("whisper", {
  createEngine,
  speech: encodeSounds([3]),
  audioMs: 3000,
  language: "en",
  silence: encodeSounds([0, 2]),
  live: { speech: createSounds([3]) },
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
  expect(tokens).toEqual({ audioTokens: 150, promptTokens: 3, outputTokens: 11 });
});

test("a long recording is cut at pauses, and its segments have the times of the whole", async () => {
  const engine = createEngine();
  // Windows of ten seconds: three parts, each of which says the same.
  const { segments, text } = await transcribe(engine, encodeSounds([5, 3, 5, 1, 6, 2]), { words: true });
  await engine.close();
  // A frame of the detector has 32 ms.
  const seconds = segments.map(({ startMs, endMs }) => [startMs, endMs].map((ms) => Math.round(ms / 100) / 10));
  expect(seconds).toEqual([
    [0, 1],
    [1, 2],
    [7.8, 8.8],
    [8.8, 9.8],
    [13.8, 14.8],
    [14.8, 15.8],
  ]);
  expect(text).toBe(Array.from({ length: 3 }, () => "the sea is wide and rain falls.").join(" "));
});

test("a language that is found is among those that may be spoken, under its ISO code", async () => {
  await using javanese = await makeTinyWhisper({ language: "jw" });
  const engine = createWhisperEngine({ ...javanese, threads: 1 });
  const startOf = async (languages: readonly string[] | null) =>
    (await transcribe(engine, encodeSounds([2]), { languages })).events[0];
  expect(await startOf(null)).toMatchObject({ language: "jv" });
  expect(await startOf(["de", "es"])).toMatchObject({ language: expect.stringMatching(/^(de|es)$/) });
  expect(await startOf(["jv"])).toMatchObject({ language: "jv", languageProbability: null });
  await engine.close();
});

test("a translation is asked of the model as one, and a prompt is read before", async () => {
  const engine = createEngine();
  const plain = await transcribe(engine, encodeSounds([2]), { task: "translate" });
  const prompted = await transcribe(engine, encodeSounds([2]), { prompt: "the sea" });
  await engine.close();
  expect(plain.tokens.promptTokens).toBe(3);
  // The sign that a text came before, and the two words.
  expect(prompted.tokens.promptTokens).toBeGreaterThan(plain.tokens.promptTokens + 2);
});

test("a model of English alone says which one translates", async () => {
  await using directory = await makeTemporaryDirectory();
  const { header } = encodeSafetensorsHeader([], {
    format: WHISPER_FORMAT,
    whisper: JSON.stringify({ ...(await readWhisperConfig(tiny.modelPath)), isMultilingual: false, languages: {} }),
    tokens: "[]",
  });
  const modelPath = join(directory.path, "english.safetensors");
  await writeFile(modelPath, header);
  const engine = createWhisperEngine({ ...tiny, modelPath });
  const prepare = async (task: "transcribe" | "translate", languages: readonly string[] | null) =>
    engine.prepare({ ...OPTIONS, pieces: [encodeSounds([1])], task, languages }, never);
  await expect(prepare("translate", null)).rejects.toMatchObject({
    code: "unsupported_parameter",
    message: expect.stringContaining("whisper-base"),
  });
  await expect(prepare("transcribe", ["de"])).rejects.toMatchObject({ code: "unsupported_value", param: "language" });
  expect(await prepare("transcribe", ["en"])).toMatchObject({ audioMs: 1000 });
  await engine.close();
});

test("calls take turns: a short recording does not wait for the end of a long one", async () => {
  const engine = createEngine();
  const long = transcribe(engine, encodeSounds(Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? 2 : 3))));
  const ended: string[] = [];
  const short = transcribe(engine, encodeSounds([2]));
  await Promise.all([long.then(() => ended.push("long")), short.then(() => ended.push("short"))]);
  await engine.close();
  expect(ended).toEqual(["short", "long"]);
});

test("a process that is killed ends its call with one error, and the next call has another one", async () => {
  const pids: number[] = [];
  const engine = createWhisperEngine({
    ...tiny,
    threads: 1,
    loading: { onEvent: (event) => void (event.type === "process-start" && pids.push(event.pid)) },
  });
  const prepared = await engine.prepare(
    { ...OPTIONS, pieces: [encodeSounds(Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 2 : 3)))] },
    never,
  );
  const listen = async () => {
    for await (const { type } of engine.transcribe(prepared, never)) {
      if (type === "transcription-start") process.kill(pids.at(-1) ?? 0, "SIGKILL");
    }
  };
  await expect(listen()).rejects.toMatchObject({ code: "engine_failed" });
  expect((await transcribe(engine, encodeSounds([2]))).text).not.toBe("");
  await engine.close();
});

async function* cutPieces(samples: Int16Array, pieceMs = 100): AsyncGenerator<Int16Array, void> {
  for (let at = 0; at < samples.length; at += 16 * pieceMs) yield samples.slice(at, at + 16 * pieceMs);
}

const LIVE_OPTIONS = { languages: null, prompt: null, logprobs: false } as const;

test("a process that is killed ends a live turn with one error, and the next turn has another process", async () => {
  const pids: number[] = [];
  const engine = createWhisperEngine({
    ...tiny,
    threads: 1,
    loading: { onEvent: (event) => void (event.type === "process-start" && pids.push(event.pid)) },
  });
  const live = requireLive(engine);
  const isOver = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<Int16Array, void> {
    yield* cutPieces(createSounds([3]));
    await isOver.promise;
  }
  const listening = async () => {
    for await (const { type } of live.transcribe(endless(), LIVE_OPTIONS, never)) {
      if (type === "heard") process.kill(pids.at(-1) ?? 0, "SIGKILL");
    }
  };
  await expect(listening()).rejects.toMatchObject({ code: "engine_failed" });
  const { text } = await transcribeLive(live, createSounds([3]));
  expect(text).toBe("the sea is wide and rain falls.");
  expect(new Set(pids).size).toBe(2);
  isOver.resolve();
  await engine.close();
});

test("a long turn has a text of each of its parts, and its language is found once", async () => {
  await using javanese = await makeTinyWhisper({ language: "jw" });
  const engine = createWhisperEngine({ ...javanese, threads: 1 });
  const { text, events } = await transcribeLive(requireLive(engine), createSounds([5, 3, 5, 1, 6, 2]));
  await engine.close();
  expect(text).toBe(Array.from({ length: 3 }, () => "the sea is wide and rain falls.").join(" "));
  expect(events.at(-1)).toMatchObject({ language: "jv" });
});
