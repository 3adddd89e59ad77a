/**
 * The scripted engine's ears for live audio: sound is speech, silence is none, and what the scripted speech engine says
 * is understood letter by letter while it is spoken.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { LiveEvent, LiveOptions, LiveTranscription, TokenProbability } from "@openai-compat/core";
import { DECODED_RATE_HZ } from "../audio/index.ts";
import { createLiveTones } from "./live-tones.ts";
import type { LiveTones } from "./live-tones.ts";
import { FRAME_MS, PAUSE_FRAMES, isLoud } from "./tone-code.ts";

export interface ScriptedLiveSettings {
  readonly turns: number;
  /** Pause before the end of a text, in milliseconds. */
  readonly endDelayMs: number;
  /** The word that it hears in the nth stretch of a sound that says nothing. */
  readonly inventWord: (index: number) => string;
  readonly msPerWord: number;
  /** @throws AiError `unsupported_value` for a language that it doesn't know */
  readonly requireLanguages: (languages: readonly string[] | null) => void;
  readonly language: string;
  readonly countTokens: (text: string) => number;
  readonly describeTokens: (text: string) => readonly TokenProbability[];
  /** Positions of the encoder. */
  readonly audioTokensPerSecond: number;
  /** Called when a stream begins. @returns called at its end */
  readonly begin: () => () => void;
}

const SAMPLE_SCALE = 32_768;
const SAMPLES_PER_MS = DECODED_RATE_HZ / 1000;
const FRAME_SAMPLES = FRAME_MS * SAMPLES_PER_MS;

export function createScriptedLive(settings: ScriptedLiveSettings): LiveTranscription {
  return {
    turns: settings.turns,
    async *detectSpeech(audio, { silenceMs }, signal) {
      const end = settings.begin();
      try {
        let speechEndMs: number | null = null;
        for await (const { samples, startMs } of cutFrames(audio, signal)) {
          const endMs = startMs + Math.ceil(samples.length / SAMPLES_PER_MS);
          if (isLoud(samples)) {
            if (speechEndMs === null) yield { type: "speech-started", atMs: startMs };
            speechEndMs = endMs;
          } else if (speechEndMs !== null && endMs - speechEndMs >= silenceMs) {
            yield { type: "speech-stopped", atMs: speechEndMs };
            speechEndMs = null;
          }
        }
      } finally {
        end();
      }
    },
    async *transcribe(audio, options, signal) {
      const end = settings.begin();
      try {
        settings.requireLanguages(options.languages);
        yield* transcribeLive(cutFrames(audio, signal), { settings, options, signal });
      } finally {
        end();
      }
    },
  };
}

interface LiveCall {
  readonly settings: ScriptedLiveSettings;
  readonly options: LiveOptions;
  readonly signal: AbortSignal;
}

async function* transcribeLive(
  frames: AsyncIterable<Frame>,
  { settings, options, signal }: LiveCall,
): AsyncGenerator<LiveEvent, void> {
  const text = createLiveText(settings);
  let outputTokens = 0;
  let heardMs = 0;
  const encode = (said: string): LiveEvent => {
    outputTokens += settings.countTokens(said);
    return { type: "text-delta", text: said, logprobs: options.logprobs ? settings.describeTokens(said) : null };
  };
  for await (const { samples, startMs, isLast } of frames) {
    const said = text.push(samples);
    if (said !== "") yield encode(said);
    heardMs = startMs + Math.ceil(samples.length / SAMPLES_PER_MS);
    if (isLast) yield { type: "heard", heardMs };
  }
  const rest = text.end();
  if (rest !== "") yield encode(rest);
  if (settings.endDelayMs > 0) await delay(settings.endDelayMs, undefined, { signal });
  signal.throwIfAborted();
  const audioTokens = Math.ceil((heardMs * settings.audioTokensPerSecond) / 1000);
  const promptTokens = settings.countTokens(options.prompt ?? "");
  const language = outputTokens === 0 ? null : (options.languages?.[0] ?? settings.language);
  yield { type: "live-end", language, tokens: { audioTokens, promptTokens, outputTokens } };
}

interface Frame {
  readonly samples: Float32Array;
  readonly startMs: number;
  /** Of the piece that has come. */
  readonly isLast: boolean;
}

/** Frames are in the same places however the audio is cut into pieces. */
async function* cutFrames(audio: AsyncIterable<Int16Array>, signal: AbortSignal): AsyncGenerator<Frame, void> {
  signal.throwIfAborted();
  let rest = new Float32Array(0);
  let count = 0;
  for await (const piece of endOnAbort(audio, signal)) {
    const samples = new Float32Array(rest.length + piece.length);
    samples.set(rest);
    for (let index = 0; index < piece.length; index += 1) {
      samples[rest.length + index] = (piece[index] ?? 0) / SAMPLE_SCALE;
    }
    const frames = Math.floor(samples.length / FRAME_SAMPLES);
    for (let frame = 0; frame < frames; frame += 1) {
      const start = frame * FRAME_SAMPLES;
      const isLast = frame === frames - 1;
      yield { samples: samples.subarray(start, start + FRAME_SAMPLES), startMs: (count + frame) * FRAME_MS, isLast };
    }
    count += frames;
    rest = samples.slice(frames * FRAME_SAMPLES);
  }
  if (rest.length > 0) yield { samples: rest, startMs: count * FRAME_MS, isLast: true };
}

/** Audio that doesn't come is not waited for after an abort. */
async function* endOnAbort(audio: AsyncIterable<Int16Array>, signal: AbortSignal): AsyncGenerator<Int16Array, void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  // It is thrown where the audio is waited for.
  aborted.catch(() => {});
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const pieces = audio[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([pieces.next(), aborted]);
      signal.throwIfAborted();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // A source that waits for audio ends when its caller ends it.
    pieces.return?.().catch(() => {});
  }
}

/** Stretches of sound between pauses become texts with a space between them. */
function createLiveText({ inventWord, msPerWord }: ScriptedLiveSettings) {
  let stretch: LiveTones | null = null;
  let silentFrames: Float32Array[] = [];
  const join = createTextJoiner();

  const endStretch = (): string => {
    const said = join(stretch?.end() ?? "");
    stretch = null;
    silentFrames = [];
    return said;
  };
  return {
    push(frame: Float32Array): string {
      if (!isLoud(frame)) {
        if (stretch === null) return "";
        silentFrames.push(frame);
        return silentFrames.length >= PAUSE_FRAMES ? endStretch() : "";
      }
      if (stretch === null) {
        stretch = createLiveTones({ sampleRate: DECODED_RATE_HZ, inventWord, msPerWord });
        join.separate();
      }
      let said = "";
      for (const silent of silentFrames) said += stretch.push(silent);
      silentFrames = [];
      return join(said + stretch.push(frame));
    },
    end: endStretch,
  };
}

/** Whitespace becomes one space, and stands between words alone. */
function createTextJoiner() {
  let hasText = false;
  let isSpaceDue = false;
  const join = (said: string): string => {
    let joined = "";
    for (const character of said) {
      if (/\s/.test(character)) {
        isSpaceDue = true;
        continue;
      }
      if (isSpaceDue && hasText) joined += " ";
      isSpaceDue = false;
      hasText = true;
      joined += character;
    }
    return joined;
  };
  return Object.assign(join, { separate: () => void (isSpaceDue = true) });
}
