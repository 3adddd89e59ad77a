/**
 * The suite that every transcription engine passes, whatever runs behind it. It knows the interface only; what is
 * special to one engine is tested beside that engine.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import { foldTranscription } from "../services/fold-transcription.ts";
import type { Transcript } from "../services/fold-transcription.ts";
import { createClonedTranscriptionEngine } from "../testing/cloned-engine.ts";
import { testLiveBoundaries, testLiveEnds, testLiveTexts } from "./live-transcription-contract.ts";
import type { LiveTranscriptionContractOptions } from "./live-transcription-contract.ts";
import type {
  LiveTranscription,
  TranscriptionEngine,
  TranscriptionEvent,
  TranscriptionRequest,
} from "./transcription-engine.ts";

export interface TranscriptionEngineContractOptions {
  /** A fresh engine; the suite closes it. */
  readonly createEngine: () => TranscriptionEngine;
  /** A WAV file of at least two seconds in which somebody speaks at least three words. */
  readonly speech: Uint8Array<ArrayBuffer>;
  /** Of `speech`. */
  readonly audioMs: number;
  /** Which is spoken in it. */
  readonly language: string;
  /** A WAV file of at least a second in which nobody speaks. */
  readonly silence: Uint8Array<ArrayBuffer>;
  /** Null for an engine that listens to recordings alone. */
  readonly live: LiveTranscriptionContractOptions | null;
}

const never = new AbortController().signal;
const NOT_AUDIO = new TextEncoder().encode("This is a letter, and no recording. ".repeat(20));

function requestFor(bytes: Uint8Array<ArrayBuffer>, options: Partial<TranscriptionRequest> = {}): TranscriptionRequest {
  return {
    pieces: [bytes.subarray(0, 1000), bytes.subarray(1000)],
    task: "transcribe",
    languages: null,
    prompt: null,
    temperature: 0,
    words: false,
    logprobs: false,
    detection: null,
    ...options,
  };
}

/** The transcript of a recording; checks on the way what holds for all. */
export async function transcribe(
  engine: TranscriptionEngine,
  bytes: Uint8Array<ArrayBuffer>,
  options: Partial<TranscriptionRequest> = {},
): Promise<Transcript & { readonly events: readonly TranscriptionEvent[] }> {
  const prepared = await engine.prepare(requestFor(bytes, options), never);
  expect(structuredClone(prepared)).toEqual(prepared);
  const events: TranscriptionEvent[] = [];
  for await (const event of engine.transcribe(prepared, never)) {
    expect(structuredClone(event)).toEqual(event);
    events.push(event);
  }
  expect(events[0]?.type).toBe("transcription-start");
  expect(events.filter(({ type }) => type === "transcription-start" || type === "transcription-end")).toHaveLength(2);
  expect(events.at(-1)?.type).toBe("transcription-end");
  checkProgress(events, prepared.audioMs);
  const transcript = await foldTranscription(iterate(events));
  checkSegments(transcript, prepared.audioMs);
  return { ...transcript, events };
}

async function* iterate(events: readonly TranscriptionEvent[]): AsyncGenerator<TranscriptionEvent, void> {
  yield* events;
}

function checkProgress(events: readonly TranscriptionEvent[], audioMs: number): void {
  const heard = events.flatMap((event) => (event.type === "transcription-progress" ? [event.heardMs] : []));
  expect(heard).toEqual(heard.toSorted((a, b) => a - b));
  expect(heard.at(-1) ?? 0).toBeLessThanOrEqual(audioMs);
}

function checkSegments({ segments, text }: Transcript, audioMs: number): void {
  expect(text).toBe(
    segments
      .map((segment) => segment.text)
      .join("")
      .trim(),
  );
  let last = 0;
  for (const [index, segment] of segments.entries()) {
    expect(segment.id).toBe(index);
    expect(segment.startMs).toBeGreaterThanOrEqual(last);
    expect(segment.endMs).toBeGreaterThanOrEqual(segment.startMs);
    expect(segment.endMs).toBeLessThanOrEqual(audioMs);
    for (const value of [segment.startMs, segment.endMs, segment.seek, ...segment.tokens]) {
      expect(Number.isInteger(value) && value >= 0).toBe(true);
    }
    expect(segment.averageLogprob).toBeLessThanOrEqual(0);
    expect(segment.compressionRatio).toBeGreaterThan(0);
    expect(segment.noSpeechProbability).toBeGreaterThanOrEqual(0);
    expect(segment.noSpeechProbability).toBeLessThanOrEqual(1);
    last = segment.startMs;
  }
}

/** Registers the suite, for the engine as it is and behind structured clones. */
export function transcriptionEngineContract(name: string, options: TranscriptionEngineContractOptions): void {
  const { createEngine } = options;
  registerSuite(name, options);
  const createCloned = () => createClonedTranscriptionEngine(createEngine());
  registerSuite(`${name} behind clones`, { ...options, createEngine: createCloned });
}

function registerSuite(name: string, options: TranscriptionEngineContractOptions): void {
  const { createEngine, speech } = options;
  let engine: TranscriptionEngine;
  beforeAll(() => void (engine = createEngine()));
  afterAll(() => engine.close());
  testTranscripts(name, () => engine, options);
  testDetails(name, () => engine, options);
  testRefusals(name, () => engine, options);
  testCalls(name, () => engine, options);
  testLive(name, () => engine, options);

  test(`${name}: close lets a running call end, and later calls load again`, async () => {
    const closing = createEngine();
    const running = transcribe(closing, speech);
    const [transcript] = await Promise.all([running, closing.close()]);
    expect(transcript.text).not.toBe("");
    expect((await transcribe(closing, speech)).text).toBe(transcript.text);
    await closing.close();
  });
}

function testLive(
  name: string,
  engineOf: () => TranscriptionEngine,
  { live }: TranscriptionEngineContractOptions,
): void {
  test(`${name}: it is known whether it listens to live audio`, () => {
    expect(engineOf().live !== null).toBe(live !== null);
  });
  if (live === null) return;
  const liveOf = () => requireLive(engineOf());
  testLiveTexts(name, liveOf, live);
  testLiveBoundaries(name, liveOf, live);
  testLiveEnds(name, liveOf, live);
}

function requireLive({ live }: TranscriptionEngine): LiveTranscription {
  if (live === null) throw new Error("The engine listens to recordings alone.");
  return live;
}

function testTranscripts(
  name: string,
  engineOf: () => TranscriptionEngine,
  { speech, audioMs, language, silence }: TranscriptionEngineContractOptions,
): void {
  test(`${name}: a recording is as long as its samples, and has a text in segments`, async () => {
    const engine = engineOf();
    const prepared = await engine.prepare(requestFor(speech), never);
    expect(Math.abs(prepared.audioMs - audioMs)).toBeLessThanOrEqual(1);
    engine.release(prepared.audioId);
    const { text, segments, tokens } = await transcribe(engine, speech);
    expect(text.split(/\s+/).length).toBeGreaterThanOrEqual(3);
    expect(segments.length).toBeGreaterThan(0);
    expect(tokens.outputTokens).toBeGreaterThan(0);
    expect(segments.some((segment) => segment.tokens.length > 0)).toBe(true);
  });

  test(`${name}: a language that is not given is found with its probability, a given one is believed`, async () => {
    const [found] = (await transcribe(engineOf(), speech)).events;
    expect(found).toMatchObject({ type: "transcription-start", language });
    const probability = found?.type === "transcription-start" ? (found.languageProbability ?? -1) : -1;
    expect(probability).toBeGreaterThan(0);
    expect(probability).toBeLessThanOrEqual(1);
    const [given] = (await transcribe(engineOf(), speech, { languages: [language] })).events;
    expect(given).toEqual({ type: "transcription-start", language, languageProbability: null });
  });

  test(`${name}: silence has no text`, async () => {
    const { text, segments, language: spoken } = await transcribe(engineOf(), silence);
    expect({ text, segments, spoken }).toEqual({ text: "", segments: [], spoken: null });
  });
}

function testDetails(
  name: string,
  engineOf: () => TranscriptionEngine,
  { speech }: TranscriptionEngineContractOptions,
): void {
  test(`${name}: words come where they were asked for, with times within their segments`, async () => {
    const without = await transcribe(engineOf(), speech);
    expect(without.segments.every(({ words }) => words === null)).toBe(true);
    const { segments } = await transcribe(engineOf(), speech, { words: true });
    let last = 0;
    for (const { words, startMs, endMs } of segments) {
      for (const word of words ?? []) {
        expect(word.word).toBe(word.word.trim());
        expect(word.startMs).toBeGreaterThanOrEqual(Math.max(last, startMs));
        expect(word.endMs).toBeGreaterThanOrEqual(word.startMs);
        expect(word.endMs).toBeLessThanOrEqual(endMs);
        last = word.startMs;
      }
    }
    expect(segments.flatMap(({ words }) => words ?? []).length).toBeGreaterThanOrEqual(3);
  });

  test(`${name}: probabilities come where they were asked for, one for each token of the text`, async () => {
    const without = await transcribe(engineOf(), speech);
    expect(without.logprobs).toEqual([]);
    const { logprobs, text } = await transcribe(engineOf(), speech, { logprobs: true });
    for (const { logprob } of logprobs) expect(logprob).toBeLessThanOrEqual(0);
    const bytes = Uint8Array.from(logprobs.flatMap((token) => token.bytes));
    expect(new TextDecoder().decode(bytes).trim()).toBe(text);
  });
}

function testRefusals(
  name: string,
  engineOf: () => TranscriptionEngine,
  { speech }: TranscriptionEngineContractOptions,
): void {
  test(`${name}: what is no recording is refused`, async () => {
    for (const bytes of [NOT_AUDIO, new Uint8Array(0), speech.slice(0, 20)]) {
      const refused = engineOf().prepare(requestFor(bytes), never);
      await expect(refused).rejects.toMatchObject({
        code: expect.stringMatching(/^(invalid|unsupported)_value$/),
        param: "file",
      });
    }
  });

  test(`${name}: a language that the model doesn't know is refused`, async () => {
    const refused = engineOf().prepare(requestFor(speech, { languages: ["zxx"] }), never);
    await expect(refused).rejects.toMatchObject({ code: "unsupported_value", param: "language" });
  });
}

function testCalls(
  name: string,
  engineOf: () => TranscriptionEngine,
  { speech }: TranscriptionEngineContractOptions,
): void {
  test(`${name}: an aborted signal starts nothing, and one that aborts on the way ends the call with its reason`, async () => {
    const engine = engineOf();
    const gone = new AiError("cancelled", "gone");
    await expect(engine.prepare(requestFor(speech), AbortSignal.abort(gone))).rejects.toBe(gone);
    const prepared = await engine.prepare(requestFor(speech), never);
    const controller = new AbortController();
    const drain = async () => {
      for await (const _ of engine.transcribe(prepared, controller.signal)) controller.abort(gone);
    };
    await expect(drain()).rejects.toBe(gone);
    expect((await transcribe(engine, speech)).text).not.toBe("");
  });

  test(`${name}: a recording is held for one transcription, and released without one`, async () => {
    const engine = engineOf();
    const prepared = await engine.prepare(requestFor(speech), never);
    for await (const _ of engine.transcribe(prepared, never));
    const drain = async (audioId: string) => {
      for await (const _ of engine.transcribe({ ...prepared, audioId }, never));
    };
    await expect(drain(prepared.audioId)).rejects.toMatchObject({ code: "queue_timeout" });
    const released = await engine.prepare(requestFor(speech), never);
    engine.release(released.audioId);
    engine.release(released.audioId);
    await expect(drain(released.audioId)).rejects.toMatchObject({ code: "queue_timeout" });
  });

  test(`${name}: more calls than slots all end, and one that ends early frees its slot`, async () => {
    const engine = engineOf();
    for (let round = 0; round <= engine.limits.concurrency; round += 1) {
      for await (const _ of engine.transcribe(await engine.prepare(requestFor(speech), never), never)) break;
    }
    const calls = Array.from({ length: engine.limits.concurrency * 2 + 1 }, () => transcribe(engine, speech));
    const texts = (await Promise.all(calls)).map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
  });
}
