/**
 * The text of one window of audio: the likeliest of several that grow side by side, and sampled again at higher
 * temperatures where the model is unsure or repeats itself.
 *
 * Thresholds: https://github.com/openai/whisper/blob/main/whisper/transcribe.py (`decode_with_fallback`)
 */

import { deflateSync } from "node:zlib";
import type { DecoderState, DecoderStep, EncodedAudio, StepOptions, WhisperModel } from "./whisper-model.ts";
import { listAllowed } from "./logits-rules.ts";
import { probabilityOf } from "./logits.ts";
import { createRandom, listLikeliest, sampleToken } from "./sample-token.ts";
import type { NextToken } from "./sample-token.ts";
import type { WhisperText } from "./whisper-text.ts";

const FALLBACK_TEMPERATURES = [0, 0.2, 0.4, 0.6, 0.8, 1];
/** Text that repeats itself compresses better. */
const COMPRESSION_RATIO_MAX = 2.4;
const AVERAGE_LOGPROB_MIN = -1;
/** Together with a low average: nobody speaks. */
const NO_SPEECH_PROBABILITY_MAX = 0.6;
/** Nobody speaks faster; a model that repeats itself would. Timestamps included. */
const TOKENS_MAX_FIXED = 24;
const TOKENS_MAX_PER_POSITION = 0.25;

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

/** Tokens that a text has to begin with, timestamps included, and the logarithm of each one's probability. */
export interface TextPrefix {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
}

export const NO_PREFIX: TextPrefix = { tokens: [], logprobs: [] };

export interface WindowOptions {
  /** Tokens of the text before, and of the caller's prompt; the last ones count. */
  readonly context: readonly number[];
  /** The language and the task; none for a model of one language. */
  readonly task: readonly number[];
  readonly prefix: TextPrefix;
  readonly temperature: number;
  /** Whether a text of the temperature 0 that the model is unsure of is sampled again at higher ones. */
  readonly fallback: boolean;
  /** How many texts grow side by side at the temperature 0. */
  readonly beams: number;
  readonly attention: boolean;
  /** Of the window without padding. */
  readonly positions: number;
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
  const falls = options.fallback && options.temperature === 0;
  const temperatures = falls ? FALLBACK_TEMPERATURES : [options.temperature];
  let decoded = await decodeOnce(whisper, audio, { ...options, temperature: temperatures[0] ?? 0 });
  for (const temperature of temperatures.slice(1)) {
    if (isAcceptable(decoded)) break;
    decoded = await decodeOnce(whisper, audio, { ...options, temperature });
  }
  return decoded;
}

/** Whether the model is neither unsure of a text nor repeats itself in it. */
export function isAcceptable({ isSilence, compressionRatio, averageLogprob }: WindowText): boolean {
  return isSilence || (compressionRatio <= COMPRESSION_RATIO_MAX && averageLogprob >= AVERAGE_LOGPROB_MIN);
}

/** A text that grows; `attention` as of a `WindowText`. */
interface Hypothesis {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly attention: readonly (readonly Float32Array[])[];
  readonly sum: number;
}

const EMPTY: Hypothesis = { tokens: [], logprobs: [], attention: [], sum: 0 };

async function decodeOnce(
  { model, text }: WindowModel,
  audio: EncodedAudio,
  options: WindowOptions,
): Promise<WindowText> {
  const { temperature, beams, positions, compute } = options;
  const { config } = model;
  const { textPositions, tokens: special } = config;
  const opened = await openText(model, audio, options);
  const { state, noSpeechProbability, promptTokens } = opened;
  let { steps } = opened;

  const random = createRandom();
  const tokensMax = Math.min(
    Math.ceil(TOKENS_MAX_FIXED + positions * TOKENS_MAX_PER_POSITION),
    textPositions / 2,
    textPositions - promptTokens,
  );
  const search: Search = { beams: temperature === 0 ? beams : 1, endOfText: special.endOfText, finished: [] };
  let growing: readonly Hypothesis[] = [opened.hypothesis];
  for (let count = opened.hypothesis.tokens.length; count < tokensMax; count += 1) {
    const candidates = growing.flatMap((hypothesis, parent) => {
      const step = steps[parent];
      if (step === undefined) return [];
      const allowed = listAllowed({ sampled: hypothesis.tokens, positions }, special);
      const next =
        temperature === 0
          ? listLikeliest(step, allowed, special)
          : [sampleToken(step, allowed, { config, temperature, random })];
      return next.map((token): Candidate => ({ parent, ...extend(hypothesis, token, step) }));
    });
    const kept = keepBest(candidates, search);
    if (kept.length === 0 || search.finished.length >= search.beams) break;
    growing = kept;
    if (count + 1 === tokensMax) break;
    const continuations = kept.map(({ parent, tokens }) => ({ parent, tokens: tokens.slice(-1) }));
    steps = await compute(async () => state.step(continuations, describeStep(options)));
  }
  const {
    tokens,
    logprobs,
    attention: rows,
    sum,
  } = chooseBest(search.finished.length === 0 ? growing : search.finished);
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

interface OpenedText {
  readonly state: DecoderState;
  /** What follows the prefix. */
  readonly steps: readonly DecoderStep[];
  /** Of the prefix. */
  readonly hypothesis: Hypothesis;
  readonly noSpeechProbability: number;
  readonly promptTokens: number;
}

/** Has the decoder read the context, the task and the prefix. */
async function openText(model: WhisperModel, audio: EncodedAudio, options: WindowOptions): Promise<OpenedText> {
  const { context, task, prefix, attention, compute } = options;
  const wanted = describeStep(options);
  const { textPositions, tokens: special } = model.config;
  const state = model.decode(audio);
  const read = async (tokens: readonly number[], step = wanted): Promise<readonly DecoderStep[]> =>
    compute(async () => state.step([{ parent: 0, tokens }], step));
  const before = context.slice(-(textPositions / 2 - 1));
  const opening = [...(before.length === 0 ? [] : [special.startOfPrevious, ...before]), special.startOfTranscript];
  let steps = await read(opening, { ...wanted, logits: true });
  const noSpeechProbability = probabilityOf(steps[0]?.logits ?? new Float32Array(0), special.noSpeech);
  if (task.length > 0) steps = await read(task);
  const promptTokens = state.length;
  let hypothesis = EMPTY;
  for (const [index, token] of prefix.tokens.entries()) {
    const [step] = steps;
    const next = { token, logprob: prefix.logprobs[index] ?? 0 };
    if (step !== undefined) hypothesis = extend(hypothesis, next, step);
    // Only steps of single tokens give the attention of each.
    if (attention) steps = await read([token]);
  }
  if (!attention && prefix.tokens.length > 0) steps = await read(prefix.tokens);
  return { state, steps, hypothesis, noSpeechProbability, promptTokens };
}

/** Sampling looks at the whole vocabulary, the search at what is likeliest. */
function describeStep({ temperature, beams, attention }: WindowOptions): StepOptions {
  return { likeliest: beams + 1, logits: temperature > 0, attention };
}

interface Candidate extends Hypothesis {
  /** Index of the text that it continues. */
  readonly parent: number;
}

interface Search {
  readonly beams: number;
  readonly endOfText: number;
  /** Without the token that ended them. */
  readonly finished: Hypothesis[];
}

function extend(hypothesis: Hypothesis, { token, logprob }: NextToken, { attention }: DecoderStep): Hypothesis {
  return {
    tokens: [...hypothesis.tokens, token],
    logprobs: [...hypothesis.logprobs, logprob],
    attention: attention === null ? hypothesis.attention : [...hypothesis.attention, attention],
    sum: hypothesis.sum + logprob,
  };
}

/** The likeliest texts that go on; those that end before them are finished. */
function keepBest(candidates: readonly Candidate[], { beams, endOfText, finished }: Search): readonly Candidate[] {
  const kept: Candidate[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.sum - a.sum)) {
    if (kept.length === beams) break;
    if (candidate.sum === -Infinity) continue;
    if (candidate.tokens.at(-1) !== endOfText) kept.push(candidate);
    else if (finished.length < beams) {
      const { tokens, logprobs, attention, sum } = candidate;
      finished.push({ tokens: tokens.slice(0, -1), logprobs: logprobs.slice(0, -1), attention, sum });
    }
  }
  return kept;
}

/** Of the highest mean. */
function chooseBest(hypotheses: readonly Hypothesis[]): Hypothesis {
  const meanOf = ({ sum, tokens }: Hypothesis): number => sum / (tokens.length + 1);
  const [best = EMPTY] = hypotheses.toSorted((a, b) => meanOf(b) - meanOf(a));
  return best;
}

/** Bytes of the text by bytes of the compressed text. */
function measureCompression(text: string): number {
  const bytes = Buffer.from(text.trim());
  return bytes.length / deflateSync(bytes).length;
}
