/**
 * The text of one window of audio: decoded once, and again at higher temperatures where the model is unsure or repeats
 * itself.
 *
 * Thresholds: https://github.com/openai/whisper/blob/main/whisper/transcribe.py (`decode_with_fallback`)
 */

import { deflateSync } from "node:zlib";
import type { EncodedAudio, WhisperModel } from "./whisper-model.ts";
import { applyRules } from "./logits-rules.ts";
import { createRandom, probabilityOf, sampleToken } from "./sample-token.ts";
import type { WhisperText } from "./whisper-text.ts";

const FALLBACK_TEMPERATURES = [0, 0.2, 0.4, 0.6, 0.8, 1];
/** Text that repeats itself compresses better. */
const COMPRESSION_RATIO_MAX = 2.4;
const AVERAGE_LOGPROB_MIN = -1;
/** Together with a low average: nobody speaks. */
const NO_SPEECH_PROBABILITY_MAX = 0.6;

export interface WindowText {
  /** Timestamps included, without the end of the text. */
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  /** Of the step that gave each token, the end of the text included; empty where it was not asked for. */
  readonly attention: readonly (readonly Float32Array[])[];
  readonly temperature: number;
  readonly averageLogprob: number;
  readonly compressionRatio: number;
  readonly noSpeechProbability: number;
  /** Tokens that the decoder was given before the text: the context and the task. */
  readonly promptTokens: number;
  readonly isSilence: boolean;
}

export interface WindowOptions {
  /** Tokens of the text before, and of the caller's prompt; the last ones count. */
  readonly context: readonly number[];
  /** The language and the task; none for a model of one language. */
  readonly task: readonly number[];
  /** 0: raised where the model is unsure. */
  readonly temperature: number;
  readonly attention: boolean;
  /** Runs a step of the model when it is the caller's turn. @throws the reason of an abort */
  readonly compute: <Result>(step: () => Promise<Result>) => Promise<Result>;
}

export interface WindowModel {
  readonly model: WhisperModel;
  readonly text: WhisperText;
}

/** @throws the reason of an abort, within a token */
export async function decodeWindow(
  whisper: WindowModel,
  audio: EncodedAudio,
  options: WindowOptions,
): Promise<WindowText> {
  const temperatures = options.temperature === 0 ? FALLBACK_TEMPERATURES : [options.temperature];
  let decoded = await decodeOnce(whisper, audio, { ...options, temperature: temperatures[0] ?? 0 });
  for (const temperature of temperatures.slice(1)) {
    if (isAcceptable(decoded)) break;
    decoded = await decodeOnce(whisper, audio, { ...options, temperature });
  }
  return decoded;
}

function isAcceptable({ isSilence, compressionRatio, averageLogprob }: WindowText): boolean {
  return isSilence || (compressionRatio <= COMPRESSION_RATIO_MAX && averageLogprob >= AVERAGE_LOGPROB_MIN);
}

async function decodeOnce(
  { model, text }: WindowModel,
  audio: EncodedAudio,
  { context, task, temperature, attention, compute }: WindowOptions,
): Promise<WindowText> {
  const { config } = model;
  const { textPositions, tokens: special } = config;
  const state = model.decode(audio);
  const before = context.slice(-(textPositions / 2 - 1));
  const prefix = before.length === 0 ? [] : [special.startOfPrevious, ...before];
  const opening = [...prefix, special.startOfTranscript];
  let step = await compute(async () => state.step(opening, { attention: attention && task.length === 0 }));
  const noSpeechProbability = probabilityOf(step.logits, special.noSpeech);
  if (task.length > 0) step = await compute(async () => state.step(task, { attention }));
  const promptTokens = state.length;

  const random = createRandom();
  const tokens: number[] = [];
  const logprobs: number[] = [];
  const rows: (readonly Float32Array[])[] = [];
  let sum = 0;
  const tokensMax = Math.min(textPositions / 2, textPositions - promptTokens);
  while (tokens.length < tokensMax) {
    applyRules(step.logits, tokens, config);
    const { token, logprob } = sampleToken(step.logits, temperature, random);
    sum += logprob;
    if (step.attention !== null) rows.push(step.attention);
    if (token === special.endOfText) break;
    tokens.push(token);
    logprobs.push(logprob);
    if (state.length === textPositions) break;
    step = await compute(async () => state.step([token], { attention }));
  }
  const averageLogprob = sum / (tokens.length + 1);
  return {
    tokens,
    logprobs,
    attention: rows,
    temperature,
    averageLogprob,
    compressionRatio: measureCompression(text.decode(tokens)),
    noSpeechProbability,
    promptTokens,
    isSilence: noSpeechProbability > NO_SPEECH_PROBABILITY_MAX && averageLogprob < AVERAGE_LOGPROB_MIN,
  };
}

/** Bytes of the text by bytes of the compressed text. */
function measureCompression(text: string): number {
  const bytes = Buffer.from(text.trim());
  return bytes.length / deflateSync(bytes).length;
}
