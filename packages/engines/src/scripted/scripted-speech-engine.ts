/**
 * A speech engine without weights: it says a text in tones, which the scripted transcription engine understands. What is
 * said takes about as long as somebody would take to say it.
 */

import { setTimeout as delay } from "node:timers/promises";
import { AiError, SPEECH_SAMPLE_RATE, createWorkSlices } from "@openai-compat/core";
import type { SpeechEngine, SpeechEvent, SpeechFormat, SpeechRequest, SpeechVoice } from "@openai-compat/core";
import { createRunningCalls } from "./running-calls.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { UTTERANCE_BYTES_MAX, speakTones } from "./tone-code.ts";

export interface ScriptedSpeechSettings {
  /** Concurrent speeches; further ones are queued. Default 4. */
  readonly concurrency?: number;
  /** Pause before each sentence. Default 0. */
  readonly sentenceDelayMs?: number;
}

/** All sound alike. */
const VOICES: readonly SpeechVoice[] = [
  { id: "scripted", aliases: ["alloy", "echo", "fable", "nova", "onyx", "shimmer"] },
];

const FORMATS: readonly SpeechFormat[] = ["wav", "pcm"];
const PAUSE_MS = 240;
/** A sentence, with the marks that end it and the spaces behind them. */
const SENTENCE = /[^.!?。！？\n]+[.!?。！？\n]*\s*|[.!?。！？\n]+\s*/gu;
const TONES_PER_PIECE = 32;

export function createScriptedSpeechEngine(settings: ScriptedSpeechSettings = {}): SpeechEngine {
  const { concurrency = 4, sentenceDelayMs = 0 } = settings;
  const slots = createSlotPool(Array.from({ length: concurrency }, () => ({})));
  const running = createRunningCalls();

  async function* say({ text, speed, format }: SpeechRequest, signal: AbortSignal): AsyncGenerator<SpeechEvent, void> {
    const slices = createWorkSlices({ signal });
    let spokenCharacters = 0;
    let samples = 0;
    let inputTokens = 0;
    const emit = (bytes: Uint8Array<ArrayBuffer>): SpeechEvent => ({ type: "speech-audio", bytes, spokenCharacters });
    for (const [index, sentence] of listSentences(text).entries()) {
      if (sentenceDelayMs > 0) await delay(sentenceDelayMs, undefined, { signal });
      await slices.next();
      if (index === 0 && format === "wav") yield emit(createStreamedHeader());
      for (const piece of speakSentence(sentence, speed)) {
        await slices.next();
        samples += piece.length;
        yield emit(encodeSamples(piece));
      }
      spokenCharacters += countCharacters(sentence);
      inputTokens += Buffer.byteLength(sentence);
      const pause = new Float32Array(Math.round((SPEECH_SAMPLE_RATE * PAUSE_MS) / 1000 / speed));
      samples += pause.length;
      yield emit(encodeSamples(pause));
    }
    const audioMs = Math.round((samples * 1000) / SPEECH_SAMPLE_RATE);
    yield { type: "speech-end", audioMs, inputTokens, outputTokens: Math.ceil(audioMs / FRAME_MS) };
  }

  return {
    type: "speech",
    limits: { concurrency },
    voices: VOICES,
    async prepare({ format }, signal) {
      signal.throwIfAborted();
      if (!FORMATS.includes(format)) throw unsupportedFormat(format);
    },
    async *speak(request, signal) {
      const end = running.begin();
      try {
        const slot = await slots.acquire(signal);
        try {
          yield* say(request, signal);
        } finally {
          slots.release(slot);
        }
      } finally {
        end();
      }
    },
    close: () => running.ended(),
  };
}

/** What one frame of sound lasts. */
const FRAME_MS = 20;

/** All of the text, cut behind its sentences and where one is too long for an utterance. */
function listSentences(text: string): readonly string[] {
  const charactersMax = Math.floor(UTTERANCE_BYTES_MAX / 4);
  return Array.from(text.toWellFormed().matchAll(SENTENCE), ([sentence]) => sentence).flatMap((sentence) =>
    Array.from({ length: Math.ceil(sentence.length / charactersMax) }, (_, index) =>
      sentence.slice(index * charactersMax, (index + 1) * charactersMax),
    ),
  );
}

function* speakSentence(sentence: string, speed: number): Generator<Float32Array<ArrayBuffer>, void> {
  const text = sentence.trim();
  if (text === "") return;
  let tones: Float32Array[] = [];
  for (const tone of speakTones(text, { sampleRate: SPEECH_SAMPLE_RATE, speed })) {
    tones.push(tone);
    if (tones.length < TONES_PER_PIECE) continue;
    yield join(tones);
    tones = [];
  }
  if (tones.length > 0) yield join(tones);
}

function join(tones: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const joined = new Float32Array(tones.reduce((sum, tone) => sum + tone.length, 0));
  let at = 0;
  for (const tone of tones) {
    joined.set(tone, at);
    at += tone.length;
  }
  return joined;
}

const SAMPLE_MAX = 32_767;

function encodeSamples(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(2 * samples.length);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < samples.length; index += 1) {
    view.setInt16(2 * index, Math.round((samples[index] ?? 0) * SAMPLE_MAX), true);
  }
  return bytes;
}

const UNKNOWN_LENGTH = 0xff_ff_ff_ff;

/** Of a WAV file whose length is not known yet. */
function createStreamedHeader(): Uint8Array<ArrayBuffer> {
  const header = Buffer.from(new ArrayBuffer(44));
  header.write("RIFF", 0, "latin1");
  header.writeUInt32LE(UNKNOWN_LENGTH, 4);
  header.write("WAVEfmt ", 8, "latin1");
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SPEECH_SAMPLE_RATE, 24);
  header.writeUInt32LE(2 * SPEECH_SAMPLE_RATE, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36, "latin1");
  header.writeUInt32LE(UNKNOWN_LENGTH, 40);
  return new Uint8Array(header);
}

function countCharacters(text: string): number {
  return Array.from(text).length;
}

function unsupportedFormat(format: SpeechFormat): AiError {
  const message = `Unsupported value: 'response_format' does not support '${format}' with this model. Supported: ${FORMATS.join(", ")}.`;
  return new AiError("unsupported_value", message, { param: "response_format" });
}
