/** What holds for every engine that listens to live audio; a part of the suite of transcription engines. */

import { expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import type {
  LiveEvent,
  LiveOptions,
  LiveTranscription,
  SpeechBoundary,
  SpeechDetection,
} from "./transcription-engine.ts";

export interface LiveTranscriptionContractOptions {
  /** 16-bit samples of 16 kHz, at least two seconds in which somebody speaks at least three words. */
  readonly speech: Int16Array;
}

const never = new AbortController().signal;
const SAMPLES_PER_MS = 16;
const PIECE_MS = 40;
const OPTIONS: LiveOptions = { languages: null, prompt: null, logprobs: false };
const DETECTION: SpeechDetection = { threshold: 0.5, prefixPaddingMs: 300, silenceMs: 500 };
/** How far a detector's idea of a border may be off. */
const BORDER_TOLERANCE_MS = 400;

function silence(ms: number): Int16Array {
  return new Int16Array(ms * SAMPLES_PER_MS);
}

function join(...parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => Array.from(part)));
}

async function* cut(samples: Int16Array, pieceMs = PIECE_MS): AsyncGenerator<Int16Array, void> {
  const length = pieceMs * SAMPLES_PER_MS;
  for (let at = 0; at < samples.length; at += length) yield samples.slice(at, at + length);
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

interface LiveText {
  readonly text: string;
  readonly events: readonly LiveEvent[];
}

/** Checks on the way what holds for all. */
export async function transcribeLive(
  live: LiveTranscription,
  samples: Int16Array,
  options: Partial<LiveOptions> = {},
): Promise<LiveText> {
  const events: LiveEvent[] = [];
  for await (const event of live.transcribe(cut(samples), { ...OPTIONS, ...options }, never)) {
    expect(structuredClone(event)).toEqual(event);
    events.push(event);
  }
  expect(events.filter(({ type }) => type === "live-end")).toHaveLength(1);
  expect(events.at(-1)?.type).toBe("live-end");
  const heard = events.flatMap((event) => (event.type === "heard" ? [event.heardMs] : []));
  expect(heard).toEqual(heard.toSorted((a, b) => a - b));
  expect(heard.every((heardMs) => Number.isInteger(heardMs))).toBe(true);
  expect(heard.at(-1) ?? 0).toBe(Math.ceil(samples.length / SAMPLES_PER_MS));
  const text = events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
  expect(text).toBe(text.trim());
  return { text, events };
}

async function detect(live: LiveTranscription, samples: Int16Array): Promise<readonly SpeechBoundary[]> {
  const found: SpeechBoundary[] = [];
  for await (const boundary of live.detectSpeech(cut(samples), DETECTION, never)) {
    expect(structuredClone(boundary)).toEqual(boundary);
    found.push(boundary);
  }
  return found;
}

export function testLiveTexts(
  name: string,
  liveOf: () => LiveTranscription,
  { speech }: LiveTranscriptionContractOptions,
): void {
  test(`${name}: live audio has a text, and its end says what it took`, async () => {
    const { text, events } = await transcribeLive(liveOf(), speech);
    expect(text.split(/\s+/).length).toBeGreaterThanOrEqual(3);
    const end = events.at(-1);
    if (end?.type !== "live-end") throw new Error("It has no end.");
    expect(end.language).toMatch(/^[a-z]{2,3}$/);
    expect(end.tokens.outputTokens).toBeGreaterThan(0);
  });

  test(`${name}: silence, and no audio at all, have no text`, async () => {
    for (const ms of [0, 10, 1500]) {
      const { text, events } = await transcribeLive(liveOf(), silence(ms));
      expect(text).toBe("");
      expect(events.at(-1)).toMatchObject({ type: "live-end", language: null });
    }
  });

  test(`${name}: text comes while the audio goes on`, async () => {
    const { promise: isSaid, resolve: say } = Promise.withResolvers<void>();
    const spoken = join(speech, silence(1500));
    async function* openEnded(): AsyncGenerator<Int16Array, void> {
      yield* cut(spoken);
      await isSaid;
    }
    let text = "";
    for await (const event of liveOf().transcribe(openEnded(), OPTIONS, never)) {
      if (event.type !== "text-delta") continue;
      text += event.text;
      say();
    }
    expect(text).not.toBe("");
  });

  test(`${name}: probabilities of live text come where they were asked for`, async () => {
    const without = await transcribeLive(liveOf(), speech);
    expect(without.events.every((event) => event.type !== "text-delta" || event.logprobs === null)).toBe(true);
    const { text, events } = await transcribeLive(liveOf(), speech, { logprobs: true });
    const logprobs = events.flatMap((event) => (event.type === "text-delta" ? (event.logprobs ?? []) : []));
    for (const { logprob } of logprobs) expect(logprob).toBeLessThanOrEqual(0);
    const bytes = Uint8Array.from(logprobs.flatMap((token) => token.bytes));
    expect(new TextDecoder().decode(bytes).trim()).toBe(text);
  });

  test(`${name}: a language that the model doesn't know is refused for live audio`, async () => {
    const refused = transcribeLive(liveOf(), speech, { languages: ["zxx"] });
    await expect(refused).rejects.toMatchObject({ code: "unsupported_value", param: "language" });
  });
}

export function testLiveBoundaries(
  name: string,
  liveOf: () => LiveTranscription,
  { speech }: LiveTranscriptionContractOptions,
): void {
  test(`${name}: speech is found where it is, and none in silence`, async () => {
    expect(await detect(liveOf(), silence(2000))).toEqual([]);
    expect(await detect(liveOf(), silence(0))).toEqual([]);
    const quietMs = 1000;
    const speechMs = speech.length / SAMPLES_PER_MS;
    const found = await detect(liveOf(), join(silence(quietMs), speech, silence(2000), speech, silence(2000)));
    const [started] = found;
    expect(started?.type).toBe("speech-started");
    expect(Math.abs((started?.atMs ?? 0) - quietMs)).toBeLessThanOrEqual(BORDER_TOLERANCE_MS);
    expect(found.map(({ type }) => type === "speech-started")).toEqual(found.map((_, index) => index % 2 === 0));
    expect(found.length).toBeGreaterThanOrEqual(4);
    expect(found.length % 2).toBe(0);
    const times = found.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.every((atMs) => Number.isInteger(atMs) && atMs >= 0)).toBe(true);
    const lastMs = quietMs + 2000 + 2 * speechMs;
    expect(Math.abs((times.at(-1) ?? 0) - lastMs)).toBeLessThanOrEqual(BORDER_TOLERANCE_MS);
  });

  test(`${name}: a start and a stop of speech are said while the audio goes on`, async () => {
    const { promise: isStopped, resolve: stop } = Promise.withResolvers<void>();
    const spoken = join(speech, silence(1500));
    async function* openEnded(): AsyncGenerator<Int16Array, void> {
      yield* cut(spoken);
      await isStopped;
    }
    const found: string[] = [];
    for await (const { type } of liveOf().detectSpeech(openEnded(), DETECTION, never)) {
      found.push(type);
      if (type === "speech-stopped") stop();
    }
    expect(found.slice(0, 2)).toEqual(["speech-started", "speech-stopped"]);
  });
}

export function testLiveEnds(
  name: string,
  liveOf: () => LiveTranscription,
  { speech }: LiveTranscriptionContractOptions,
): void {
  async function* speakEndlessly(): AsyncGenerator<Int16Array, void> {
    yield* cut(speech);
    await Promise.withResolvers<never>().promise;
  }

  test(`${name}: an abort ends both streams with its reason, though no audio comes`, async () => {
    const gone = new AiError("cancelled", "gone");
    for (const start of ["transcribe", "detectSpeech"] as const) {
      const controller = new AbortController();
      const run = async () => {
        const { signal } = controller;
        const stream =
          start === "transcribe"
            ? liveOf().transcribe(speakEndlessly(), OPTIONS, signal)
            : liveOf().detectSpeech(speakEndlessly(), DETECTION, signal);
        setTimeout(() => controller.abort(gone), 50);
        for await (const _ of stream);
      };
      await expect(run()).rejects.toBe(gone);
    }
    const aborted = liveOf().transcribe(cut(speech), OPTIONS, AbortSignal.abort(gone));
    await expect(drain(aborted)).rejects.toBe(gone);
    expect((await transcribeLive(liveOf(), speech)).text).not.toBe("");
  });

  test(`${name}: audio that fails ends the text with its failure`, async () => {
    async function* failing(): AsyncGenerator<Int16Array, void> {
      yield* cut(speech);
      throw new AiError("quota_exceeded", "No credits are left.");
    }
    const failed = drain(liveOf().transcribe(failing(), OPTIONS, never));
    await expect(failed).rejects.toMatchObject({ code: "quota_exceeded", message: "No credits are left." });
  });

  test(`${name}: as many turns as it says run side by side, and one that ends early frees its place`, async () => {
    const live = liveOf();
    for (let round = 0; round < live.turns; round += 1) {
      for await (const _ of live.transcribe(cut(speech), OPTIONS, never)) break;
    }
    const turns = Array.from({ length: Math.min(live.turns, 8) }, () => transcribeLive(live, speech));
    const texts = (await Promise.all(turns)).map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
  });
}
