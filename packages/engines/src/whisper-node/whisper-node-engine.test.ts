/**
 * With a program that behaves as whisper.cpp's. What its own program does is tested where OPENAI_COMPAT_TEST_WHISPER_CPP names one that was
 * built.
 */

import { readdirSync } from "node:fs";
import { mkdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { transcribe, transcriptionEngineContract } from "@openai-compat/core/transcription-engine-contract";
import type { ProcessEvent } from "@openai-compat/core";
import { afterAll, describe, expect, test } from "vitest";
import { makeTemporaryDirectory } from "../models/testing/temporary-directory.ts";
import { encodeSounds } from "../whisper/testing/recordings.ts";
import { removeOldFolders } from "./part-files.ts";
import { makeFakeWhisperNode } from "./testing/fake-binary.ts";
import type { FakeMode } from "./testing/fake-binary.ts";
import { createWhisperNodeEngine } from "./whisper-node-engine.ts";
import type { WhisperNodeEngineSettings } from "./whisper-node-settings.ts";

const fake = await makeFakeWhisperNode();
const temporary = await makeTemporaryDirectory();
const { TMPDIR } = process.env;
// Of this test alone: the processes of the engines have it too.
process.env["TMPDIR"] = temporary.path;
afterAll(async () => {
  if (TMPDIR === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = TMPDIR;
  await fake[Symbol.asyncDispose]();
  await temporary[Symbol.asyncDispose]();
});

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

function createEngine(mode: FakeMode = "plain", settings: Partial<WhisperNodeEngineSettings> = {}) {
  const { modelPath, voiceDetectorPath, binaryPaths } = fake;
  return createWhisperNodeEngine({
    modelPath,
    voiceDetectorPath,
    binaryPath: binaryPaths[mode],
    threads: 1,
    ...settings,
  });
}

/** Folders of runs that are there. */
function listFolders(): readonly string[] {
  return readdirSync(temporary.path).filter((name) => name.startsWith("openai-compat-whisper-"));
}

const realBinary = process.env["OPENAI_COMPAT_TEST_WHISPER_CPP"] ?? "";

// A script can't be run there.
describe.skipIf(process.platform === "win32")("with a program like whisper.cpp's", () => {
  transcriptionEngineContract("whisper-node", {
    createEngine: () => createEngine(),
    speech: encodeSounds([3]),
    audioMs: 3000,
    language: "jv",
    silence: encodeSounds([0, 2]),
    live: null,
  });

  test("every field of a segment is whisper.cpp's, or measured", async () => {
    const engine = createEngine();
    const { segments, text, tokens, logprobs } = await transcribe(engine, encodeSounds([3]), {
      words: true,
      logprobs: true,
      prompt: "sea",
    });
    await engine.close();
    expect(text).toBe("the sea is wide and rain falls.");
    expect(segments.map(({ startMs, endMs, text: said, temperature }) => [startMs, endMs, said, temperature])).toEqual([
      [0, 1000, " the sea is wide", 0],
      [1000, 2000, " and rain falls.", 0],
    ]);
    const [first, second] = segments;
    expect(first?.tokens).toEqual([50_364, 1000, 1001, 1002, 1003, 50_414]);
    expect(first?.averageLogprob).toBeCloseTo(Math.log(0.5));
    expect(first?.noSpeechProbability).toBeLessThan(0.1);
    expect(second?.words?.map(({ word }) => word)).toEqual(["and", "rain", "falls."]);
    expect(logprobs.map((token) => token.text).join("")).toBe(` ${text}`);
    expect(tokens.audioTokens).toBe(150);
    expect(tokens.outputTokens).toBe(12);
    expect(tokens.promptTokens).toBeGreaterThan(4);
  });

  test("a long recording is cut at pauses, and the language of its first part is that of all", async () => {
    const engine = createEngine();
    const { segments, events } = await transcribe(engine, encodeSounds([5, 3, 20, 3, 20, 2]));
    await engine.close();
    const seconds = segments.map(({ startMs, endMs }) => [startMs, endMs].map((ms) => Math.round(ms / 100) / 10));
    expect(seconds).toEqual([
      [0, 1],
      [1, 2],
      [7.8, 8.8],
      [8.8, 9.8],
      [30.8, 31.8],
      [31.8, 32.8],
    ]);
    expect(events[0]).toEqual({ type: "transcription-start", language: "jv", languageProbability: 0.913 });
    // A part is reported as soon as it was heard.
    const progress = events.flatMap((event) => (event.type === "transcription-progress" ? [event.heardMs] : []));
    expect(progress).toHaveLength(3);
  });

  test("texts are read as they were written: quotes, line breaks, and characters that are several tokens", async () => {
    const engine = createEngine("odd");
    const { text, segments, logprobs } = await transcribe(engine, encodeSounds([3]), { words: true, logprobs: true });
    await engine.close();
    expect(text).toBe('"a\\b"\n 日本');
    expect(segments.flatMap(({ words }) => words?.map(({ word }) => word))).toEqual(['"a\\b"', "日", "本"]);
    expect(logprobs.at(-2)?.bytes).toEqual([0xa5]);
    expect(Number.isFinite(segments[0]?.averageLogprob)).toBe(true);
  });

  test("a text that was written of silence is left out", async () => {
    const engine = createEngine("made");
    const { text } = await transcribe(engine, encodeSounds([3, 1]));
    await engine.close();
    expect(text).toBe("the sea");
  });

  test("what the program can't do is refused by name", async () => {
    const engine = createEngine();
    const english = createEngine("plain", { modelPath: fake.englishModelPath });
    const bytes = encodeSounds([1]);
    const refuse = async (refusing: typeof engine, options: object) =>
      refusing.prepare({ ...OPTIONS, pieces: [bytes], ...options }, never).then(
        () => null,
        ({ code, param }: { readonly code: string; readonly param: string }) => [code, param],
      );
    expect(await refuse(engine, { temperature: 0.5 })).toEqual(["unsupported_value", "temperature"]);
    expect(await refuse(engine, { languages: ["de", "en"] })).toEqual(["unsupported_value", "languages"]);
    expect(await refuse(engine, { languages: ["xx"] })).toEqual(["unsupported_value", "language"]);
    expect(await refuse(english, { task: "translate" })).toEqual(["unsupported_parameter", "model"]);
    expect(await refuse(english, { languages: ["de"] })).toEqual(["unsupported_value", "language"]);
    expect(await refuse(engine, { task: "translate", languages: ["jv"], prompt: "a" })).toBeNull();
    await Promise.all([engine.close(), english.close()]);
  });

  test("a prompt is an argument, whatever is in it and however long it is", async () => {
    const engine = createEngine();
    const prompt = `$(touch ${join(temporary.path, "injected")}) "; -m other \0 ${"日本語".repeat(2000)}`;
    expect((await transcribe(engine, encodeSounds([2]), { prompt })).text).not.toBe("");
    await engine.close();
    expect(readdirSync(temporary.path)).not.toContain("injected");
  });

  test.each(["crash", "fail", "silent", "garbage", "flood"] as const)(
    "a program that does this fails its call and no other: %s",
    async (mode) => {
      const events: ProcessEvent[] = [];
      const engine = createEngine(mode, { loading: { onEvent: (event) => void events.push(event as ProcessEvent) } });
      const prompt = "a secret error";
      const failed = transcribe(engine, encodeSounds([2]), { prompt });
      await expect(failed).rejects.toMatchObject({
        code: "engine_failed",
        message: expect.not.stringContaining("secret"),
      });
      await engine.close();
      const lines = events.flatMap((event) => (event.type === "process-log" ? [event.line] : []));
      expect(lines).toEqual(mode === "fail" ? ["whisper_full_with_state: failed to encode"] : []);
      expect(listFolders()).toEqual([]);
    },
  );

  test("a program that takes too long is killed", async () => {
    const engine = createEngine("hang", { runTimeMsMax: 1500 });
    await expect(transcribe(engine, encodeSounds([2]))).rejects.toMatchObject({ code: "engine_failed" });
    await engine.close();
    expect(listFolders()).toEqual([]);
  });

  test("an abort kills the program and removes its files", async () => {
    const engine = createEngine("hang");
    const prepared = await engine.prepare({ ...OPTIONS, pieces: [encodeSounds([2])] }, never);
    const gone = new Error("gone");
    const controller = new AbortController();
    const drain = async () => {
      for await (const _ of engine.transcribe(prepared, controller.signal));
    };
    const ended = expect(drain()).rejects.toBe(gone);
    await expect.poll(listFolders, { timeout: 20_000 }).not.toEqual([]);
    controller.abort(gone);
    await ended;
    await expect.poll(listFolders, { timeout: 20_000 }).toEqual([]);
    await engine.close();
  });

  test("a program that is not there is a model that can't be loaded", async () => {
    const engine = createEngine("plain", { binaryPath: "/no/such/main" });
    await expect(transcribe(engine, encodeSounds([2]))).rejects.toMatchObject({ code: "engine_unavailable" });
    await engine.close();
  });
});

test("a file that is no model is said to be none", async () => {
  const engine = createEngine("plain", { modelPath: fake.voiceDetectorPath });
  const refused = engine.prepare({ ...OPTIONS, pieces: [encodeSounds([1])] }, never);
  await expect(refused).rejects.toMatchObject({ code: "engine_unavailable", message: expect.stringContaining("ggml") });
  await engine.close();
});

test("folders that a killed server left are removed, and those in use are not", async () => {
  await using directory = await makeTemporaryDirectory();
  const [old, fresh] = ["old", "fresh"].map((name) => join(directory.path, `openai-compat-whisper-${name}`));
  for (const path of [old ?? "", fresh ?? ""]) await mkdir(path);
  await utimes(old ?? "", new Date(0), new Date(0));
  await removeOldFolders(3_600_000, directory.path);
  expect(readdirSync(directory.path)).toEqual(["openai-compat-whisper-fresh"]);
});

describe.skipIf(realBinary === "")("with whisper.cpp's own program (OPENAI_COMPAT_TEST_WHISPER_CPP)", () => {
  transcriptionEngineContract("whisper.cpp", {
    createEngine: () => createEngine("plain", { binaryPath: realBinary }),
    speech: encodeSounds([3]),
    audioMs: 3000,
    language: "en",
    silence: encodeSounds([0, 2]),
    live: null,
  });
});
