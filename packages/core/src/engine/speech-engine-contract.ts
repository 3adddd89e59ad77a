/**
 * The suite that every speech engine passes, whatever runs behind it. It knows the interface only; what is special to
 * one engine is tested beside that engine.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import { createClonedSpeechEngine } from "../testing/cloned-engine.ts";
import { SPEECH_FORMATS, SPEECH_SAMPLE_RATE } from "./speech-engine.ts";
import type { SpeechEngine, SpeechFormat, SpeechRequest } from "./speech-engine.ts";

export interface SpeechEngineContractOptions {
  /** A fresh engine; the suite closes it. */
  readonly createEngine: () => SpeechEngine;
}

const never = new AbortController().signal;
const TEXT = "The sea is wide. Rain falls on the roof, and the wind sings.";
const BYTES_PER_MS = (2 * SPEECH_SAMPLE_RATE) / 1000;
const WAV_HEADER_BYTES = 44;

/** What a file of each format begins with; null: samples begin with anything. */
const MAGIC: Readonly<Record<SpeechFormat, RegExp | null>> = {
  mp3: /^(ID3|\xff[\xe2-\xff])/,
  opus: /^OggS.{24}OpusHead/s,
  aac: /^\xff[\xf0-\xff]/,
  flac: /^fLaC/,
  wav: /^RIFF\xff\xff\xff\xffWAVEfmt /,
  pcm: null,
};

export interface Spoken {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly audioMs: number;
  /** Of the pieces that came, one for each. */
  readonly spokenCharacters: readonly number[];
}

/** A text, spoken by the engine's first voice; checks on the way what holds for all. */
export async function speak(engine: SpeechEngine, options: Partial<SpeechRequest> = {}): Promise<Spoken> {
  const request = requestFor(engine, options);
  await engine.prepare(request, never);
  const pieces: Uint8Array[] = [];
  const spokenCharacters: number[] = [];
  let audioMs: number | null = null;
  for await (const event of engine.speak(request, never)) {
    expect(structuredClone(event)).toEqual(event);
    expect(audioMs).toBeNull();
    if (event.type === "speech-end") {
      ({ audioMs } = event);
      continue;
    }
    expect(event.bytes.length).toBeGreaterThan(0);
    pieces.push(event.bytes);
    spokenCharacters.push(event.spokenCharacters);
  }
  expect(spokenCharacters).toEqual(spokenCharacters.toSorted((a, b) => a - b));
  expect(spokenCharacters.at(-1)).toBeLessThanOrEqual(Array.from(request.text).length);
  return {
    bytes: new Uint8Array(await new Blob(pieces).arrayBuffer()),
    audioMs: audioMs ?? Number.NaN,
    spokenCharacters,
  };
}

function requestFor(engine: SpeechEngine, options: Partial<SpeechRequest>): SpeechRequest {
  const [voice] = engine.voices;
  return { text: TEXT, voice: voice?.id ?? "", speed: 1, instructions: null, format: "pcm", ...options };
}

/** Registers the suite, for the engine as it is and behind structured clones. */
export function speechEngineContract(name: string, { createEngine }: SpeechEngineContractOptions): void {
  registerSuite(name, createEngine);
  registerSuite(`${name} behind clones`, () => createClonedSpeechEngine(createEngine()));
}

function registerSuite(name: string, createEngine: SpeechEngineContractOptions["createEngine"]): void {
  let engine: SpeechEngine;
  beforeAll(() => void (engine = createEngine()));
  afterAll(() => engine.close());
  testSound(name, () => engine);
  testFormats(name, () => engine);
  testCalls(name, () => engine);

  test(`${name}: close lets a running call end, and later calls load again`, async () => {
    const closing = createEngine();
    const [spoken] = await Promise.all([speak(closing), closing.close()]);
    expect(spoken.bytes.length).toBeGreaterThan(0);
    expect((await speak(closing)).bytes.length).toBeGreaterThan(0);
    await closing.close();
  });
}

function testSound(name: string, engineOf: () => SpeechEngine): void {
  test(`${name}: voices are known before the model, and no two share a name`, () => {
    const names = engineOf().voices.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names.map((voice) => voice.toLowerCase())).size).toBe(names.length);
  });

  test(`${name}: a text is spoken audibly, as long as the engine says`, async () => {
    const { bytes, audioMs } = await speak(engineOf());
    expect(bytes.length % 2).toBe(0);
    expect(Math.abs(bytes.length / BYTES_PER_MS - audioMs)).toBeLessThan(2);
    expect(audioMs).toBeGreaterThan(500);
    const samples = new Int16Array(bytes.buffer, 0, bytes.length / 2);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    expect(Math.sqrt(power)).toBeGreaterThan(100);
  });

  test(`${name}: a longer text takes longer, a higher speed less`, async () => {
    const { audioMs } = await speak(engineOf());
    const longer = await speak(engineOf(), { text: `${TEXT} ${TEXT} ${TEXT}` });
    expect(longer.audioMs / audioMs).toBeGreaterThan(2);
    for (const speed of [0.25, 0.5, 2, 4]) {
      const changed = await speak(engineOf(), { speed });
      expect((changed.audioMs * speed) / audioMs).toBeGreaterThan(0.75);
      expect((changed.audioMs * speed) / audioMs).toBeLessThan(1.33);
    }
  });

  test(`${name}: when all is spoken, all characters are counted`, async () => {
    const text = "Größe 😀, or: the wide sea.";
    const { spokenCharacters } = await speak(engineOf(), { text });
    expect(spokenCharacters.at(-1)).toBe(Array.from(text).length);
  });
}

function testFormats(name: string, engineOf: () => SpeechEngine): void {
  test.each(SPEECH_FORMATS)(`${name}: %s is what its first bytes say, or refused by name`, async (format) => {
    const engine = engineOf();
    const refusal: unknown = await engine.prepare(requestFor(engine, { format }), never).catch((thrown) => thrown);
    if (refusal !== undefined) {
      expect(["wav", "pcm"]).not.toContain(format);
      expect(refusal).toMatchObject({ code: "unsupported_value", param: "response_format" });
      return;
    }
    const { bytes } = await speak(engine, { format });
    const magic = MAGIC[format];
    if (magic !== null) expect(Buffer.from(bytes.subarray(0, 64)).toString("latin1")).toMatch(magic);
  });

  test(`${name}: a WAV file is a header before the samples`, async () => {
    const [wav, pcm] = [await speak(engineOf(), { format: "wav" }), await speak(engineOf())];
    const header = new DataView(wav.bytes.buffer, 0, WAV_HEADER_BYTES);
    expect(header.getUint16(20, true)).toBe(1);
    expect(header.getUint16(22, true)).toBe(1);
    expect(header.getUint32(24, true)).toBe(SPEECH_SAMPLE_RATE);
    expect(header.getUint16(34, true)).toBe(16);
    expect(header.getUint32(40, true)).toBe(0xff_ff_ff_ff);
    expect(wav.bytes.length - WAV_HEADER_BYTES).toBe(pcm.bytes.length);
  });
}

function testCalls(name: string, engineOf: () => SpeechEngine): void {
  test(`${name}: an aborted signal starts nothing, and one that aborts on the way ends the call with its reason`, async () => {
    const engine = engineOf();
    const gone = new AiError("cancelled", "gone");
    const request = requestFor(engine, { text: `${TEXT} `.repeat(20).trim() });
    await expect(engine.prepare(request, AbortSignal.abort(gone))).rejects.toBe(gone);
    const controller = new AbortController();
    const drain = async () => {
      for await (const _ of engine.speak(request, controller.signal)) controller.abort(gone);
    };
    await expect(drain()).rejects.toBe(gone);
    expect((await speak(engine)).bytes.length).toBeGreaterThan(0);
  });

  test(`${name}: more calls than slots all end, and one that ends early frees its slot`, async () => {
    const engine = engineOf();
    for (let round = 0; round <= engine.limits.concurrency; round += 1) {
      for await (const _ of engine.speak(requestFor(engine, {}), never)) break;
    }
    const calls = Array.from({ length: engine.limits.concurrency * 2 + 1 }, () => speak(engine));
    const lengths = (await Promise.all(calls)).map(({ audioMs }) => audioMs);
    expect(lengths.every((audioMs) => audioMs > 500)).toBe(true);
  });
}
